/* A page that shows work under way looks again every two seconds while its part #live says so. Without this script, its link does. */
"use strict";

(function () {
  const EVERY = 2000;

  function busy() {
    const focused = document.activeElement;
    const live = document.getElementById("live");
    return Boolean(live.querySelector("input:checked") || (focused !== document.body && live.contains(focused)));
  }

  async function look() {
    const live = document.getElementById("live");
    if (!live || !("live" in live.dataset)) {
      return;
    }
    if (!document.hidden && !busy()) {
      const answer = await fetch(window.location.href, { credentials: "same-origin" }).catch(() => null);
      if (answer && answer.ok && !answer.redirected) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
        if (fresh && !busy()) {
          live.replaceWith(document.importNode(fresh, true));
        }
      }
    }
    window.setTimeout(look, EVERY);
  }

  window.setTimeout(look, EVERY);
})();
