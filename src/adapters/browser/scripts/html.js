// The document as it stands. Runs in a world of its own.
function html(most) {
  return document.documentElement.outerHTML.slice(0, most);
}
