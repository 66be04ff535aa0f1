// Where the first element that a selector finds stands on the page, as far as what it scrolls in shows it. Nothing is scrolled, and what
// is not drawn is not measured: the page does not notice which element it is. Runs in a world of its own.
function area(selector) {
  let found;
  try { found = document.querySelector(selector); } catch (_) { return { selector: 'bad' }; }
  if (!found || !found.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })) return { selector: 'ok' };
  let { left, top, right, bottom } = found.getBoundingClientRect();
  const root = document.scrollingElement;
  for (let around = found.parentElement; around && around !== root && around !== document.body; around = around.parentElement) {
    if (getComputedStyle(around).overflow === 'visible') continue;
    const edges = around.getBoundingClientRect();
    [left, top] = [Math.max(left, edges.left), Math.max(top, edges.top)];
    [right, bottom] = [Math.min(right, edges.right), Math.min(bottom, edges.bottom)];
  }
  if (right <= left || bottom <= top) return { selector: 'ok' };
  return { selector: 'ok', area: { x: left + scrollX, y: top + scrollY, width: right - left, height: bottom - top } };
}
