/* What the pages do in the browser: lenses follow the pointer, arrow keys go through the leaves, zoom, pan, paste, drop. */
(() => {
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const inside = (middle, span) => (span >= 1 ? 0.5 : clamp(middle, span / 2, 1 - span / 2));

  /* What stands below the lenses is said of the place they show at first, so it goes while they are away. */
  function aim(x, y, isAway = true, picture = "0") {
    for (const lenses of document.querySelectorAll(".arr-lenses")) {
      lenses.hidden = lenses.dataset.picture !== picture;
      lenses.classList.toggle("away", isAway);
      lenses.style.setProperty("--x", inside(x, +lenses.dataset.sx));
      lenses.style.setProperty("--y", inside(y, +lenses.dataset.sy));
    }
    const heading = document.querySelector(".arr-why");
    if (!heading) return;
    heading.dataset.home ??= heading.textContent;
    heading.textContent = isAway ? "The place that is pointed at, in the pixels that each was given" : heading.dataset.home;
  }

  function home() {
    const lenses = document.querySelector(".arr-lenses");
    if (lenses) aim(+lenses.dataset.x, +lenses.dataset.y, false);
  }

  const pictureOf = (place) => place.closest("[data-picture]")?.dataset.picture ?? "0";

  const leaves = (target) => target.closest?.("#leaves .arr-tokens");

  function follow(event) {
    const place = leaves(event.target);
    if (!place) return;
    const box = place.getBoundingClientRect();
    aim((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, true, pictureOf(place));
  }

  function middle(leaf) {
    const box = leaf.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  }

  const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function neighbour(leaf, [right, down]) {
    const [x, y] = middle(leaf);
    let best = null, least = Infinity;
    for (const other of leaf.parentElement.querySelectorAll("i")) {
      const [ox, oy] = middle(other);
      const along = (ox - x) * right + (oy - y) * down;
      const aside = Math.abs((ox - x) * down) + Math.abs((oy - y) * right);
      if (along > 1 && along + 2 * aside < least) { best = other; least = along + 2 * aside; }
    }
    return best;
  }

  function step(event) {
    const leaf = event.target.closest?.(".arr-tokens i");
    if (!leaf) return;
    if (event.key === "Escape") return home();
    const direction = DIRECTIONS[event.key];
    const next = direction && neighbour(leaf, direction);
    if (direction) event.preventDefault();
    if (!next) return;
    leaf.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  function focused(event) {
    const leaf = event.target.closest?.("#leaves .arr-tokens i");
    if (!leaf || !leaf.matches(":focus-visible")) return;
    const box = leaf.parentElement.getBoundingClientRect(), [x, y] = middle(leaf);
    aim((x - box.left) / box.width, (y - box.top) / box.height, true, pictureOf(leaf));
  }

  function zoom(event) {
    const button = event.target.closest?.("[data-zoom]");
    if (!button) return;
    const view = button.closest(".arr-zoom").previousElementSibling, factor = +button.dataset.zoom;
    const now = factor ? clamp((+view.dataset.zoom || 1) * factor, 1, 8) : 1;
    const middleX = (view.scrollLeft + view.clientWidth / 2) / view.scrollWidth;
    const middleY = (view.scrollTop + view.clientHeight / 2) / view.scrollHeight;
    view.dataset.zoom = now;
    view.style.setProperty("--zoom", now);
    view.classList.toggle("zoomed", now > 1);
    view.scrollLeft = middleX * view.scrollWidth - view.clientWidth / 2;
    view.scrollTop = middleY * view.scrollHeight - view.clientHeight / 2;
  }

  let dragged = null;
  function grab(event) {
    const view = event.target.closest?.(".arr-view.zoomed, .arr-view.extreme");
    if (view && event.pointerType === "mouse") dragged = view;
  }
  function drag(event) {
    if (!dragged || !event.buttons) return;
    dragged.scrollLeft -= event.movementX;
    dragged.scrollTop -= event.movementY;
  }

  /* A picture that is pasted anywhere, or dropped on one that is there, takes its place. */
  function bring(files) {
    const picture = [...files].find((file) => file.type.startsWith("image/") || /\.(heic|heif)$/i.test(file.name));
    if (!picture) return false;
    document.querySelector("#picture button[aria-label='Remove Image']")?.click();
    let tries = 40;
    const put = () => {
      const input = document.querySelector("#picture input[type=file]");
      if (!input) return tries-- && setTimeout(put, 50);
      const transfer = new DataTransfer();
      transfer.items.add(picture);
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    put();
    return true;
  }

  /* The library's own upload button takes the picture away before another is chosen: ours asks first. */
  function choose(event) {
    if (!event.target.closest?.("#picture .source-selection button[aria-label='Upload file']")) return;
    if (!document.querySelector("#picture img")) return;
    event.preventDefault();
    event.stopPropagation();
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*,.heic,.heif" });
    input.addEventListener("change", () => bring(input.files));
    input.click();
  }

  /* The library's tables scroll, but could not be reached by keyboard: the first cell takes the focus. */
  function reachable() {
    for (const rows of document.querySelectorAll(".virtual-table-viewport")) {
      const cell = rows.querySelector("th, td, [role=columnheader], [role=gridcell]");
      if (cell && !rows.querySelector("[tabindex='0']")) cell.tabIndex = 0;
    }
  }
  new MutationObserver(reachable).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerdown", follow);
  document.addEventListener("pointerout", (event) => {
    if (event.pointerType === "mouse" && leaves(event.target) && !(event.relatedTarget && leaves(event.relatedTarget))) home();
  });
  document.addEventListener("focusin", focused);
  document.addEventListener("keydown", step);
  document.addEventListener("click", zoom);
  document.addEventListener("click", choose, true);
  document.addEventListener("pointerdown", grab);
  document.addEventListener("pointermove", drag);
  document.addEventListener("pointerup", () => { dragged = null; });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".arr-view")) event.preventDefault(); });
  document.addEventListener("paste", (event) => {
    if (document.querySelector("#picture") && bring(event.clipboardData?.files ?? [])) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => {
    if (event.target.closest?.("#picture") && document.querySelector("#picture img")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (event.target.closest?.("#picture") && document.querySelector("#picture img") && bring(event.dataTransfer?.files ?? []))
      event.preventDefault();
  });
})();
