// The links of the page, each address once, as a list in simple HTML. Runs in a world of its own.
function links(most) {
  const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
  const seen = new Set();
  let out = '<ul>';
  for (const link of document.links) {
    if (!/^(https?|mailto|tel):/i.test(link.href) || link.href.length > 2000 || seen.has(link.href)) continue;
    seen.add(link.href);
    const text = (link.innerText || link.title || link.getAttribute('aria-label') || '').replace(/\s+/g, ' ').trim();
    out += `<li><a href="${escape(link.href)}">${escape(text.slice(0, 200) || link.href)}</a></li>`;
    if (out.length >= most) break;
  }
  return out + '</ul>';
}
