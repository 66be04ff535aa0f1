// What is to be known of the first element that a selector finds, and of what a click in its middle would meet. With `aim` it is to be
// clicked, and is brought into view. Without, the page must not notice which element it is: what is not drawn is not measured, as
// measuring it would fetch what it is drawn with. Runs in a world of its own.
function element(selector, aim) {
  // These do something of their own when they are clicked, or hide what does.
  const ACTS = 'button, input, select, textarea, label, summary, iframe, frame, object, embed, audio, video, img[usemap]';
  let found;
  try { found = document.querySelector(selector); } catch (_) { return { selector: 'bad' }; }
  if (!found) return { selector: 'ok', state: 'missing' };
  if (!found.checkVisibility({ contentVisibilityAuto: !aim, visibilityProperty: true }) || !found.getClientRects().length) {
    return { selector: 'ok', state: 'hidden' };
  }
  // The way of a click: up, and out of shadow trees.
  const above = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;
  const way = (node) => { const all = []; for (let at = node; at; at = above(at)) all.push(at); return all; };
  const scripted = (node) => [...node.attributes].some((one) => /^on(click|mouse|pointer|touch)/.test(one.name));
  const acts = (node) => node.matches(ACTS) || scripted(node) || (node.localName.includes('-') && !node.shadowRoot);
  const offers = (tree) => Boolean(tree) && [...tree.querySelectorAll('*')].some(
    (node) => node.matches('a, area, form') || acts(node) || offers(node.shadowRoot));
  const deepest = (x, y) => {
    let hit = document.elementFromPoint(x, y);
    for (let inner; hit?.shadowRoot; hit = inner) {
      inner = hit.shadowRoot.elementFromPoint(x, y);
      if (!hit.shadowRoot.contains(inner)) break;
    }
    return hit;
  };

  if (aim) found.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  const box = found.getClientRects()[0];
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const hit = deepest(x, y);
  const met = way(hit ?? found);
  const reached = met.includes(found) || way(found).includes(hit);
  const link = met.find((node) => ['a', 'area'].includes(node.localName) && node.href);
  let href = link ? String(link.href.baseVal ?? link.href) : null;
  if (href !== null) { try { href = new URL(href, document.baseURI).href; } catch (_) { /* told as it stands */ } }
  const sends = (node) => Boolean(node?.form && ['submit', 'image'].includes(node.type));
  return {
    selector: 'ok', state: 'visible', link: href, x, y,
    reached: Boolean(hit) && reached,
    acts: !reached || met.some(acts) || offers(found) || offers(found.shadowRoot),
    leaves: href !== null || met.some((node) => sends(node) || sends(node.control)),
    disabled: Boolean(found.disabled),
  };
}
