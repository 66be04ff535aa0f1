// How large the whole page is, in pixels. Runs in a world of its own.
function extent() {
  const root = document.documentElement;
  return { width: Math.max(root.scrollWidth, 1), height: Math.max(root.scrollHeight, 1) };
}
