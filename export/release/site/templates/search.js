// Searches the models of `index.html`, which is a plain list without this. The address keeps what was chosen.
"use strict";

const form = document.querySelector("[role=search]");
const summary = document.querySelector("[role=status]");
const fields = Array.from(form.querySelectorAll("input, select"));
const models = Array.from(document.querySelectorAll("article"), (article) => ({
  article,
  task: article.dataset.task,
  languages: article.dataset.language.split(" "),
  sizes: Object.entries(JSON.parse(article.dataset.sizes)),
  text: article.textContent.toLowerCase(),
}));

function matches(model, { words, task, language, format, size }) {
  return (
    words.toLowerCase().split(/\s+/).every((word) => model.text.includes(word)) &&
    (!task || model.task === task) &&
    (!language || model.languages.includes(language)) &&
    model.sizes.some(
      ([label, bytes]) => (!format || label === format) && (!size || bytes <= Number(size)),
    )
  );
}

function show() {
  const chosen = Object.fromEntries(fields.map((field) => [field.name, field.value]));
  for (const model of models) {
    model.article.hidden = !matches(model, chosen);
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector("article:not([hidden])");
  }
  const found = models.filter((model) => !model.article.hidden).length;
  summary.textContent = `${found} of ${models.length} models`;
  const said = Object.entries(chosen).filter(([, value]) => value);
  const query = new URLSearchParams(said).toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
}

const names = new Intl.DisplayNames(["en"], { type: "language" });
for (const option of form.querySelectorAll("[name=language] option:not([value=''])")) {
  option.textContent = `${names.of(option.value)} (${option.value})`;
}
const said = new URLSearchParams(location.search);
for (const field of fields) {
  field.value = said.get(field.name) ?? "";
  if (field.selectedIndex < 0) {
    field.value = ""; // an address may say what there is not
  }
  field.addEventListener("input", show);
}
form.hidden = summary.hidden = false;
show();
