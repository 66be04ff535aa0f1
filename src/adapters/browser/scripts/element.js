// What is to be known of the first element that a selector finds. With `aim` it is to be clicked, and is brought into view. Without,
// the page must not notice which element it is: what is not drawn is not measured, as measuring it would fetch what it is drawn with.
// Runs in a world of its own.
function element(selector, aim) {
  let found;
  try { found = document.querySelector(selector); } catch (_) { return { selector: 'bad' }; }
  if (!found) return { selector: 'ok', state: 'missing' };
  const visible = found.checkVisibility({ contentVisibilityAuto: !aim, visibilityProperty: true }) && found.getClientRects().length > 0;
  const control = found.closest('label') && !found.closest('a') ? found.closest('label').control || found : found;
  const button = control.closest('button, input');
  const submits = Boolean(button && button.form && ['submit', 'image'].includes(button.type));
  const link = found.closest('a[href], area[href]');
  let href = link ? String(link.href.baseVal ?? link.href) : null;
  if (href !== null) { try { href = new URL(href, document.baseURI).href; } catch (_) { /* told as it stands */ } }
  const told = { selector: 'ok', state: visible ? 'visible' : 'hidden', link: href, submits };
  if (!aim || !visible) return told;
  found.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  const box = found.getClientRects()[0];
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const hit = document.elementFromPoint(x, y);
  const reached = Boolean(hit && (hit === found || found.contains(hit) || hit.contains(found) || hit.closest('label') === found
    || (hit.getRootNode() instanceof ShadowRoot)));
  return { ...told, x, y, reached, disabled: Boolean(found.disabled) };
}
