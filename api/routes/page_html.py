"""The page at `/`: HTML with its own style and script, no other asset."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>thumper</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;background:#fff;color:#222}
@media (prefers-color-scheme:dark){body{background:#181a1b;color:#ddd}a{color:#8ab4f8}}
dl{display:flex;gap:2rem;flex-wrap:wrap}dt{font-size:.85rem}dd{margin:0;font-size:2rem;font-variant-numeric:tabular-nums}
#pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}
figure{margin:0}img{width:100%}figcaption{font-size:.85rem;overflow-wrap:anywhere}
</style></head><body>
<h1>thumper</h1>
<p id="state" role="status">asking ...</p>
<dl id="numbers"></dl>
<p><a href="/docs">API</a> · <a href="/api/status">status</a> · <a href="/api/failures">failures</a> ·
<a href="/api/lag">lag</a> · <a href="/api/workers">workers</a></p>
<h2>Newest pictures with detections</h2>
<div id="pictures"></div>
<script>
const at = name => document.getElementById(name);
const made = (tag, text = "") => { const e = document.createElement(tag); e.textContent = text; return e; };
let shown = "";
async function asked(path) {
  const answer = await fetch(path), body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}
async function renew() {
  try {
    const now = await asked("/api/status");
    at("state").textContent = `${now.state}, ${now.completion_rate.toFixed(1)} % of ${now.total} pictures`;
    at("numbers").replaceChildren(...["pending", "processing", "completed", "failed"].map(name => {
      const pair = made("div"); pair.append(made("dt", name), made("dd", now[name])); return pair; }));
    const page = await asked("/api/detections?limit=60");
    const ids = [...new Set(page.items.map(item => item.image_id))].slice(0, 12);
    if (ids.join() !== shown) {
      shown = ids.join();
      at("pictures").replaceChildren(...ids.map(id => {
        const of = page.items.filter(item => item.image_id === id), figure = made("figure"), image = made("img");
        image.src = `/api/images/${id}/picture?boxes=true`; image.loading = "lazy";
        image.alt = of.map(item => item.class_name).join(", ");
        const words = `${of[0].location ?? ""} ${of[0].taken_at ?? ""}: ${image.alt}`;
        figure.append(image, made("figcaption", words)); return figure; }));
    }
  } catch (error) { at("state").textContent = error.message; }
  setTimeout(renew, 3000);
}
renew();
</script></body></html>
"""
