/// The page's style and script.
enum HTMLAssets {
  static let style = """
    :root { --paper: #ffffff; --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --panel: #f6f8fa;
      --good: #1b7837; --bad: #b2182b; --accent: #2166ac; }
    @media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ee;
      --soft: #98a3b1; --line: #2c343e; --panel: #1b2128; --good: #5fbf7f; --bad: #f0707c;
      --accent: #6fb0e8; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
    header, main { max-width: 1380px; margin: 0 auto; padding: 0 28px; }
    header { padding-top: 34px; }
    h1 { font-size: 30px; margin: 0; letter-spacing: -0.01em; }
    h2 { font-size: 21px; margin: 44px 0 12px; padding-bottom: 6px;
      border-bottom: 1px solid var(--line); }
    h3 { font-size: 17px; margin: 0 0 2px; }
    .subtitle, .scale, figcaption, .muted { color: var(--soft); }
    .subtitle { margin: 4px 0 18px; }
    .scale { font-size: 12px; font-weight: normal; }
    .banner { padding: 12px 16px; border-radius: 6px; background: var(--panel);
      border-left: 4px solid var(--good); margin: 0; }
    .banner.bad { border-color: var(--bad); color: inherit; }
    .banner ul { margin: 6px 0 0; padding-left: 20px; }
    .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
    .banner.good { color: inherit; }
    a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
    .scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
    table.sortable { border-collapse: collapse; width: 100%; font-size: 13px; }
    .sortable th { text-align: left; background: var(--panel); padding: 8px 10px; cursor: pointer;
      user-select: none; vertical-align: bottom; }
    .sortable th[data-order="up"]::after { content: " ▲"; font-size: 9px; }
    .sortable th[data-order="down"]::after { content: " ▼"; font-size: 9px; }
    .sortable td { padding: 6px 10px; border-top: 1px solid var(--line); vertical-align: top; }
    .sortable tr:hover td { background: var(--panel); }
    .sortable th.number { text-align: right; }
    td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .guide { display: grid; grid-template-columns: max-content 1fr; gap: 6px 18px; margin: 0; }
    .guide dt { font-weight: 600; } .guide dd { margin: 0; max-width: 95ch; }
    article { padding: 22px 0 16px; border-top: 1px solid var(--line); }
    article:first-of-type { border-top: 0; } article p { margin: 0 0 10px; }
    .columns { display: flex; flex-wrap: wrap; gap: 36px; align-items: flex-start; }
    .columns + .scroll { margin-top: 22px; }
    figure { margin: 0; } figcaption { font-size: 13px; margin-top: 6px; }
    svg { width: 520px; max-width: 100%; height: auto; display: block; }
    svg text { font-size: 10.5px; fill: var(--soft); } svg .axis { fill: var(--ink); }
    .grid { stroke: var(--line); stroke-width: 1; }
    .threshold { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 5 4; }
    .legend { list-style: none; padding: 0; margin: 6px 0 0; display: flex; flex-wrap: wrap;
      gap: 4px 18px; font-size: 13px; max-width: 520px; }
    .legend span { display: inline-block; width: 16px; height: 4px; border-radius: 2px;
      margin-right: 6px; vertical-align: middle; }
    .pictures { border-collapse: separate; border-spacing: 6px; font-size: 13px; }
    .pictures th { font-weight: 600; text-align: left; }
    canvas { width: 176px; height: auto; image-rendering: pixelated; border: 1px solid var(--line);
      background: #fff; display: block; }
    .bar { display: inline-block; width: 90px; height: 10px; vertical-align: middle; margin: 0 6px;
      background: linear-gradient(to right, #2166ab, #ffffff, #b2172b);
      border: 1px solid var(--line); }
    @media print { .sortable th { cursor: default; } article { break-inside: avoid; } }
    """

  /// Sorting and pictures. Red is positive, blue negative, white zero.
  static let script = """
    "use strict";
    document.querySelectorAll("table.sortable").forEach(function (table) {
      table.querySelectorAll("th").forEach(function (title, column) {
        title.addEventListener("click", function () {
          var up = title.dataset.order !== "up";
          table.querySelectorAll("th").forEach(function (other) { delete other.dataset.order; });
          title.dataset.order = up ? "up" : "down";
          var body = table.tBodies[0];
          var key = function (row) {
            var cell = row.cells[column];
            return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
          };
          Array.from(body.rows).sort(function (a, b) {
            var x = key(a), y = key(b);
            var order = typeof x === "number" && typeof y === "number"
              ? x - y : String(x).localeCompare(String(y));
            return up ? order : -order;
          }).forEach(function (row) { body.appendChild(row); });
        });
      });
    });
    document.querySelectorAll("canvas[data-pixels]").forEach(function (canvas) {
      var bytes = atob(canvas.dataset.pixels);
      var context = canvas.getContext("2d");
      var image = context.createImageData(canvas.width, canvas.height);
      for (var i = 0; i < bytes.length; i++) {
        var t = bytes.charCodeAt(i);
        t = Math.max(-1, (t > 127 ? t - 256 : t) / 127);
        var strong = t >= 0 ? [178, 23, 43] : [33, 102, 171];
        for (var k = 0; k < 3; k++) {
          image.data[4 * i + k] = Math.round(255 + (strong[k] - 255) * Math.abs(t));
        }
        image.data[4 * i + 3] = 255;
      }
      context.putImageData(image, 0, 0);
    });
    """
}
