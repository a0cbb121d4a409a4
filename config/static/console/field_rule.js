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

  /* The list of fields is long: beside it, a box that finds one by a part of its name. */
  function addFinder(source) {
    const box = document.createElement("input");
    const names = document.createElement("datalist");
    names.id = "source-names";
    for (const option of source.options) {
      if (option.value) {
        names.append(new Option("", option.text));
      }
    }
    Object.assign(box, { type: "search", className: "finder", placeholder: "Find a field, like: city" });
    box.setAttribute("list", names.id);
    box.setAttribute("aria-label", "Find a field to fill from");
    box.addEventListener("input", (event) => {
      event.stopPropagation();
      const found = [...source.options].find((option) => option.value && option.text === box.value);
      if (found) {
        source.value = found.value;
        box.value = "";
        source.dispatchEvent(new Event("input", { bubbles: true }));
        source.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
    box.addEventListener("change", (event) => event.stopPropagation());
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault(); // it looks for a field and saves nothing
      }
    });
    source.after(box, names);
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
      expression.closest(".form-row").hidden = expression.disabled;
    };
    form.addEventListener("input", look);
    form.addEventListener("change", () => {
      own();
      look();
    });
    if (source) {
      addFinder(source);
    }
    own();
    show(form, panel);
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", bind);
  } else {
    bind();
  }
})();
