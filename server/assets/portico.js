// Owns what pages do beyond what they do without JavaScript: show a typed password, post a form by itself, pass a
// message on. Never touches what is sent.
"use strict";

for (const toggle of document.querySelectorAll("button.toggle")) {
  const input = document.getElementById(toggle.getAttribute("aria-controls"));
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    toggle.setAttribute("aria-label", shown ? toggle.dataset.hideLabel : toggle.dataset.showLabel);
    toggle.textContent = shown ? toggle.dataset.hide : toggle.dataset.show;
  };
  toggle.addEventListener("click", () => {
    show(input.type === "password");
    input.focus();
  });
  // A browser stores and offers what was typed only in a password field.
  input.form.addEventListener("submit", () => show(false));
  toggle.hidden = false;
}

// A second click does not post a form twice; coming back by the back button makes it usable again.
for (const form of document.querySelectorAll("form:not([data-auto-post])")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
  });
}

for (const form of document.querySelectorAll("form[data-auto-post]")) {
  // A field may be called "submit".
  HTMLFormElement.prototype.submit.call(form);
}

for (const element of document.querySelectorAll("[data-message]")) {
  const other = window.opener ?? (window.parent === window ? null : window.parent);
  if (other) {
    other.postMessage(JSON.parse(element.dataset.message), element.dataset.targetOrigin);
    if (window.opener) {
      window.close();
    }
  }
}
