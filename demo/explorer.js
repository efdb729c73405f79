// Lights up a line on both pictures and in the table; a click keeps it lit. Switches layers on and off.
const lit = (line, name) => {
  element.querySelectorAll("." + name).forEach((part) => part.classList.remove(name));
  if (line === null) return;
  element.querySelectorAll(`[data-line="${line}"]`).forEach((part) => part.classList.add(name));
  const row = element.querySelector(`tr[data-line="${line}"]`);
  const said = element.querySelector(".dp-said");
  if (row && said) said.textContent = row.cells[1].textContent;
};
const lineOf = (event) => event.target.closest?.("[data-line]")?.dataset.line ?? null;
element.addEventListener("mouseover", (event) => lit(lineOf(event), "on"));
element.addEventListener("mouseleave", () => lit(null, "on"));
element.addEventListener("focusin", (event) => lit(lineOf(event), "on"));
const keep = (event) => {
  const line = lineOf(event);
  if (line === null) return;
  lit(line, "kept");
  const row = element.querySelector(`tr[data-line="${line}"]`);
  const box = row?.closest(".dp-scroll");
  if (box && event.target.closest("svg")) box.scrollTop = row.offsetTop - box.clientHeight / 2;
};
element.addEventListener("click", keep);
element.addEventListener("keydown", (event) => { if (event.key === "Enter") keep(event); });
element.addEventListener("change", (event) => {
  const layer = event.target.dataset?.toggle;
  if (layer) element.querySelector(".dp-explorer").classList.toggle("hide-" + layer, !event.target.checked);
});
