// Fills the first field that a selector finds, and tells the page as a keyboard would; says nothing while there is none to be seen.
// Runs in a world of its own.
function fill(selector, text) {
  let field;
  try { field = document.querySelector(selector); } catch (_) { return { selector: 'bad' }; }
  if (!field || !field.checkVisibility({ visibilityProperty: true }) || !field.getClientRects().length) return { selector: 'ok' };
  if (field.disabled || field.readOnly) return { selector: 'ok', state: 'disabled' };
  const tell = () => {
    field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
  };
  field.focus();
  const done = { selector: 'ok', state: 'filled' };
  if (field instanceof HTMLSelectElement) {
    const option = [...field.options].find((one) => one.value === text || one.label.trim() === text.trim());
    if (!option) return { selector: 'ok', state: 'no_option' };
    field.value = option.value; tell(); return done;
  }
  if (field instanceof HTMLInputElement) {
    if (['file', 'submit', 'button', 'image', 'reset', 'hidden'].includes(field.type)) return { selector: 'ok', state: 'no_field' };
    if (field.type === 'checkbox' || field.type === 'radio') {
      const on = !['', 'false', 'off', 'no', '0'].includes(text.trim().toLowerCase());
      if (field.checked !== on) field.click();
      return done;
    }
    field.value = text; tell(); return done;
  }
  if (field instanceof HTMLTextAreaElement) { field.value = text; tell(); return done; }
  if (field.isContentEditable) { field.textContent = text; tell(); return done; }
  return { selector: 'ok', state: 'no_field' };
}
