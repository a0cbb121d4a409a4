// Sections with data-live="seconds" are fetched again until the server leaves the mark out. Without scripts the page has a link instead.
"use strict";

function watch(section) {
  setTimeout(async () => {
    let next = section;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const found = page.getElementById(section.id);
        if (found) {
          section.replaceWith(found);
          next = found;
        }
        if (!next.dataset.live) {
          location.reload(); // what stands around the section may have changed, too
          return;
        }
      }
    } catch (problem) {
      // the console cannot be reached at this moment; the next look may find it
    }
    watch(next);
  }, 1000 * Number(section.dataset.live || 3));
}

document.querySelectorAll("[data-live]").forEach(watch);
