// The first elements that a selector finds: text and attributes, both cut. What is not drawn is not laid out for it: the page does not
// notice which elements they are. Runs in a world of its own.
function query(selector, most) {
  let found;
  try { found = document.querySelectorAll(selector); } catch (_) { return { selector: 'bad' }; }
  const words = (element) => {
    const drawn = element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
    return (drawn && element.innerText) || element.textContent || '';
  };
  const elements = [...found].slice(0, most).map((element) => ({
    text: words(element).trim().slice(0, 1000),
    attributes: Object.fromEntries([...element.attributes].slice(0, 30).map((one) => [one.name, one.value.slice(0, 500)])),
  }));
  return { selector: 'ok', elements, total: found.length };
}
