/* While a field rule is written, its effect on a real record is shown beside it. Without this script, a link leads to the same answer. */
"use strict";

(function () {
  const PAUSE = 500;
  const NAMES = ["flow", "target", "source", "expression", "transform", "default", "mode"];
  let timer = 0;
  let latest = 0;

  function asked(form, panel) {
    const query = new URLSearchParams();
    for (const name of NAMES) {
      const field = form.elements.namedItem(name);
      query.set(name, field ? field.value : panel.dataset[name] || "");
    }
    query.set("record", document.getElementById("try-record").value);
    return query;
  }

  async function show(form, panel) {
    const query = asked(form, panel);
    const mine = ++latest;
    if (!query.get("flow") || !(query.get("source") || query.get("expression"))) {
      return;
    }
    const answer = await fetch(`${panel.dataset.url}?${query}`, { credentials: "same-origin" }).catch(() => null);
    if (mine !== latest || !answer || !answer.ok) {
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("tried");
    if (fresh && mine === latest) {
      document.getElementById("tried").replaceWith(document.importNode(fresh, true));
    }
  }

  function bind() {
    const panel = document.getElementById("trying");
    const form = document.getElementById("fieldmapping_form");
    if (!panel || !form) {
      return;
    }
    const expression = form.elements.namedItem("expression");
    const source = form.elements.namedItem("source");
    const look = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => show(form, panel), PAUSE);
    };
    const own = () => {
      expression.disabled = Boolean(source && source.value);
    };
    form.addEventListener("input", look);
    form.addEventListener("change", () => {
      own();
      look();
    });
    own();
    show(form, panel);
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", bind);
  } else {
    bind();
  }
})();
