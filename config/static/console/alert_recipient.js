// The form of a new alert recipient asks for what its kind needs: e-mail addresses, or a web address, or one with a signing secret.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const kind = document.getElementById("id_kind"), where = document.getElementById("id_address");
  if (!kind || !where) return;
  const kinds = JSON.parse(where.dataset.ofKinds);
  const label = document.querySelector("label[for=id_address]"), help = document.getElementById("id_address_helptext");
  const secret = document.querySelector(".form-row.field-secret");
  const show = () => {
    const asked = kinds[kind.value];
    if (asked) {
      label.textContent = `${asked[0]}:`;
      help.textContent = asked[1];
    }
    if (secret) secret.hidden = kind.value !== "webhook";
  };
  kind.addEventListener("change", show);
  show();
});
