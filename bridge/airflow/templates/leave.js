/* Airflow shows these pages in a frame that may not lead its own window elsewhere, so the page around it follows links
   that leave. A page opened alone follows them itself. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[target=_top]");
  if (!link || window.parent === window) return;
  const outside = window.parent.document;
  const copy = outside.createElement("a");
  copy.href = link.href;
  outside.body.append(copy);
  copy.click();
  copy.remove();
  event.preventDefault();
});
