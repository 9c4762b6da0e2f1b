"use strict";
// Draws each chart into its element: first those at the top, one at a time, so that the page stays responsive.
(() => {
  const { themes, axisWidth, figures } = JSON.parse(document.getElementById("chart-data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let turn = 0;

  function drawable(spec, width, scheme) {
    let text = JSON.stringify(spec);
    for (const [token, colour] of Object.entries(themes[scheme].tokens)) {
      text = text.replaceAll(`"${token}"`, `"${colour}"`);
    }
    const drawn = JSON.parse(text);
    const config = structuredClone(themes[scheme].config);
    const { legendColumn = spec.vconcat ? 85 : 105, legendLeft = 0 } = spec.usermeta ?? {};
    config.legend.columns = Math.max(2, Math.floor((width - legendLeft) / legendColumn));
    drawn.config = config;
    if (drawn.vconcat) {
      for (const panel of drawn.vconcat) panel.width = width - axisWidth;
    } else {
      drawn.width = width;
    }
    return drawn;
  }

  async function draw(element, spec, scheme) {
    const width = Math.floor(element.clientWidth);
    if (!width) return;
    try {
      // The interpreter (ast) stands in for compiled expressions, which the page's policy forbids.
      await window.vegaEmbed(element, drawable(spec, width, scheme), {
        ast: true,
        renderer: "svg",
        tooltip: { theme: scheme },
        actions: { export: true, source: false, compiled: false, editor: false },
      });
      element.style.minHeight = "";
      element.dataset.drawn = "yes";
    } catch (error) {
      element.textContent = `This chart could not be drawn (${error.message}); the tables hold its figures.`;
      element.dataset.drawn = "failed";
    }
  }

  async function drawAll() {
    const mine = ++turn;
    const scheme = dark.matches ? "dark" : "light";
    document.documentElement.dataset.charts = scheme;
    for (const [id, spec] of Object.entries(figures)) {
      await draw(document.getElementById(id), spec, scheme);
      await new Promise((resume) => setTimeout(resume));
      if (mine !== turn) return;
    }
  }

  let width = document.documentElement.clientWidth;
  let pending;
  window.addEventListener("resize", () => {
    if (document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    clearTimeout(pending);
    pending = setTimeout(drawAll, 200);
  });
  dark.addEventListener("change", drawAll);
  drawAll();
})();
