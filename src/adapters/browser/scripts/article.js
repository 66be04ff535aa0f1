// What is visible of the page, as simple HTML with absolute addresses. Runs in a world of its own.
function article(most) {
  const SKIP = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'SVG', 'CANVAS', 'OBJECT', 'EMBED', 'AUDIO', 'VIDEO',
    'HEAD', 'LINK', 'META', 'MAP', 'DATALIST']);
  const NOISE = 'nav, footer, [role="navigation"], [role="contentinfo"], [aria-hidden="true"]';
  const KEEP = new Set(['H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'P', 'UL', 'OL', 'LI', 'STRONG', 'B', 'EM', 'I', 'CODE',
    'BLOCKQUOTE', 'TABLE', 'THEAD', 'TBODY', 'TFOOT', 'TR', 'TD', 'TH', 'DL', 'DT', 'DD']);
  const DEEPEST = 150;
  let out = [], length = 0;
  const put = (text) => { if (length < most) { out.push(text); length += text.length; } };
  const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
  const web = (address) => /^(https?|mailto|tel):/i.test(address) ? address : '';

  const control = (element) => {
    const tag = element.localName;
    const name = element.id ? '#' + element.id : element.name ? `${tag}[name="${element.name}"]` : tag;
    if (tag === 'button' || ['submit', 'button', 'reset', 'image'].includes(element.type)) {
      return `[button ${name}: ${(element.innerText || element.value || element.alt || '').trim().slice(0, 100)}]`;
    }
    if (tag === 'select') {
      const options = [...element.options].slice(0, 30);
      return `[choice ${name}: ${options.map((one) => (one.selected ? '*' : '') + one.label.trim()).join(' | ')}]`;
    }
    if (element.type === 'hidden') return '';
    if (element.type === 'password') return `[field ${name}: password]`;
    if (element.type === 'checkbox' || element.type === 'radio') return `[${element.type} ${name}: ${element.checked ? 'on' : 'off'}]`;
    return `[field ${name}: ${(element.value || element.placeholder || '').slice(0, 200)}]`;
  };

  const children = (node, whole, depth) => {
    const slotted = node.localName === 'slot' ? node.assignedNodes() : [];
    const root = slotted.length ? slotted : (node.shadowRoot || node).childNodes;
    for (const child of root) { if (length >= most) return; visit(child, whole, depth); }
  };

  const frame = (element, whole, depth) => {
    let inside = null;
    try { inside = element.contentDocument && element.contentDocument.body; } catch (_) { /* of another site */ }
    if (inside && inside.childNodes.length) { put('<div>'); children(inside, whole, depth); put('</div>'); return; }
    const address = web(element.src || '');
    if (address) put(`<p><a href="${escape(address)}">[frame]</a></p>`);
  };

  const visit = (node, whole, depth) => {
    if (node.nodeType === Node.TEXT_NODE) { put(escape(node.data)); return; }
    if (node.nodeType !== Node.ELEMENT_NODE || depth > DEEPEST) return;
    const tag = node.tagName.toUpperCase();
    if (SKIP.has(tag) || (!whole && node.matches(NOISE))) return;
    if (tag === 'BR' || tag === 'HR') { put(`<${tag.toLowerCase()}>`); return; }
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && tag !== 'SLOT') {
      // What only groups others has no box of its own.
      if (getComputedStyle(node).display !== 'contents') return;
    }
    if (tag === 'IFRAME' || tag === 'FRAME') { frame(node, whole, depth + 1); return; }
    if (tag === 'IMG') { if (node.alt.trim()) put(`[image: ${escape(node.alt.trim().slice(0, 200))}]`); return; }
    if (['INPUT', 'SELECT', 'TEXTAREA', 'BUTTON'].includes(tag)) {
      // As code, so that Markdown leaves the selector as it is.
      const told = control(node);
      if (told) put(` <code>${escape(told)}</code> `);
      return;
    }
    if (tag === 'A') {
      const address = web(node.href || '');
      if (address && address.length <= 2000) {
        put(`<a href="${escape(address)}">`); children(node, whole, depth + 1); put('</a>');
        return;
      }
    }
    if (tag === 'PRE') { put('<pre><code>'); put(escape(node.innerText)); put('</code></pre>'); return; }
    if (KEEP.has(tag)) {
      const name = tag.toLowerCase();
      put(`<${name}>`); children(node, whole, depth + 1); put(`</${name}>`);
      return;
    }
    const display = getComputedStyle(node).display;
    const inline = display.startsWith('inline') || display === 'contents';
    if (!inline) put('<div>');
    children(node, whole, depth + 1);
    if (!inline) put('</div>');
  };

  const body = document.body;
  if (!body) return '';
  const read = (whole) => { out = []; length = 0; children(body, whole, 0); return out.join('').slice(0, most); };
  const letters = (html) => html.replace(/<[^>]*>/g, '').replace(/\s+/g, '').length;
  const article = read(false);
  // A page that is hardly more than its navigation is shown with it.
  return letters(article) < 200 ? read(true) : article;
}
