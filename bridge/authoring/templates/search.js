/* Search over ENTRIES: title, kind, address, words; all words typed must be met. And lines of a picture that belong
   to the field pointed at. No library, no network. */
(() => {
  const box = document.getElementById("search"), found = document.getElementById("found");
  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const index = ENTRIES.map(([title, kind, url, words]) => ({ title, kind, url, words, name: plain(title), all: plain(`${title} ${kind} ${words}`) }));
  let at = -1;
  const show = () => {
    const asked = plain(box.value).split(/\s+/).filter(Boolean);
    found.hidden = !asked.length;
    found.replaceChildren();
    at = -1;
    if (!asked.length) return;
    const rank = (one) => (one.name === asked.join(" ") ? 0 : one.name.startsWith(asked[0]) ? 1 : one.name.includes(asked[0]) ? 2 : 3);
    const hits = index.filter((one) => asked.every((word) => one.all.includes(word))).map((one) => [rank(one), one]).sort((a, b) => a[0] - b[0]);
    for (const [, one] of hits.slice(0, 40)) {
      const link = document.createElement("a"), kind = document.createElement("small");
      link.href = one.url;
      link.textContent = one.title;
      kind.textContent = `${one.kind}${one.words ? ": " + one.words : ""}`;
      kind.className = "soft";
      link.append(kind);
      found.append(link);
    }
    const count = document.createElement("p");
    count.className = "soft";
    count.textContent = hits.length > 40 ? `${hits.length} found, 40 shown` : hits.length ? `${hits.length} found` : "Nothing has all these words";
    found.append(count);
  };
  box.addEventListener("input", show);
  box.addEventListener("keydown", (event) => {
    const links = found.querySelectorAll("a");
    if (event.key === "Escape") { box.value = ""; show(); }
    if (event.key === "Enter" && links.length) links[Math.max(at, 0)].click();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      links[at]?.classList.remove("at");
      at = Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), links.length - 1);
      links[at]?.classList.add("at");
      links[at]?.scrollIntoView({ block: "nearest" });
    }
  });
  document.addEventListener("click", (event) => { if (!event.target.closest(".search")) found.hidden = true; });
  for (const picture of document.querySelectorAll("svg.lineage")) {
    const follow = (field) => {
      picture.classList.toggle("on", !!field);
      picture.querySelectorAll(".hit").forEach((one) => one.classList.remove("hit"));
      if (!field) return;
      const side = field.dataset.f[0], name = field.dataset.f.slice(2);
      field.classList.add("hit");
      picture.querySelectorAll("path").forEach((line) => {
        if (line.dataset[side] !== name) return;
        line.classList.add("hit");
        const other = side === "a" ? `b:${line.dataset.b}` : `a:${line.dataset.a}`;
        picture.querySelector(`[data-f="${CSS.escape(other)}"]`)?.classList.add("hit");
      });
    };
    picture.addEventListener("mouseover", (event) => follow(event.target.closest("text.field")));
    picture.addEventListener("mouseleave", () => follow(null));
  }
})();
