// The visible text of the page. Runs in a world of its own.
function text(most) {
  return (document.body ? document.body.innerText : '').slice(0, most);
}
