/* Follow Airflow's own light or dark setting: these pages lie in a frame of the same origin. */
(() => {
  const follow = () => {
    let theme = null;
    try {
      const outside = window.parent.document.documentElement;
      if (window.parent !== window) {
        theme = outside.classList.contains("dark") ? "dark" : outside.classList.contains("light") ? "light" : null;
        new MutationObserver(() => set(outside.classList.contains("dark") ? "dark" : "light"))
          .observe(outside, { attributes: true, attributeFilter: ["class"] });
      }
    } catch { /* opened alone, or from elsewhere: the system's setting holds */ }
    if (theme) set(theme);
  };
  const set = (theme) => document.documentElement.setAttribute("data-theme", theme);
  follow();
})();
