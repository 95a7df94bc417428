// The pages' own script: renewing, theme, keys, changes through the API, uploads. Nothing is loaded from elsewhere.
(() => {
  const at = (id) => document.getElementById(id);
  const root = document.documentElement;
  const toast = (words, bad = false) => {
    const place = at("toast");
    place.textContent = words;
    place.className = bad ? "bad" : "good";
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => (place.textContent = ""), bad ? 12000 : 6000);
  };

  // Renewing: what has changed is put in place; focus, and what somebody has opened, stay as they are.
  const renew = (regions) => {
    for (const [name, html] of Object.entries(regions)) {
      const place = document.querySelector(`[data-region="${name}"]`);
      // A form that somebody may be filling in stays as it is until the page is opened anew.
      if (!place || place.querySelector("form[data-still]")) continue;
      const focus = place.contains(document.activeElement) ? document.activeElement : null;
      const open = [...place.querySelectorAll("details[data-keep][open]")].map((e) => e.dataset.keep);
      const href = focus?.getAttribute("href");
      place.innerHTML = html;
      open.forEach((key) => place.querySelector(`details[data-keep="${key}"]`)?.setAttribute("open", ""));
      if (!focus) continue;
      const again = focus.id ? at(focus.id) : href && [...place.querySelectorAll("a")].find((a) => a.getAttribute("href") === href);
      again?.focus({ preventScroll: true });
    }
    document.body.dataset.renewed = Number(document.body.dataset.renewed ?? 0) + 1;
  };

  // The connection: NiceGUI shows and hides its own notice; ours says the same in the page's words.
  const watchConnection = () => {
    const popup = at("popup"), lost = at("lost");
    if (!popup) return;
    new MutationObserver(() => {
      const away = popup.getAttribute("aria-hidden") === "false";
      lost.textContent = away ? lost.dataset.words : "";
      document.body.classList.toggle("away", away);
    }).observe(popup, { attributes: true, attributeFilter: ["aria-hidden"] });
  };

  // Changes go through the API like everybody's; where it wants the token, the person is asked for it.
  const askToken = () =>
    new Promise((resolve) => {
      const dialog = at("token"), form = dialog.querySelector("form");
      form.reset();
      at("token-cancel").onclick = () => dialog.close("");
      dialog.onclose = () => {
        if (dialog.returnValue === "go") sessionStorage.setItem("thumper-token", form.elements.token.value);
        resolve(dialog.returnValue === "go");
      };
      dialog.returnValue = "";
      dialog.showModal();
    });
  const authorised = () => {
    const token = sessionStorage.getItem("thumper-token");
    return token ? { Authorization: `Bearer ${token}` } : {};
  };
  const words = async (answer) => {
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error([body.detail ?? answer.statusText, body.hint].filter(Boolean).join(": "));
    return body;
  };
  const change = async (path, body) => {
    const headers = { ...authorised(), ...(body ? { "Content-Type": "application/json" } : {}) };
    const answer = await fetch(path, { method: "POST", headers, body: body && JSON.stringify(body) });
    if (answer.status !== 401) return words(answer);
    sessionStorage.removeItem("thumper-token");
    if (!(await askToken())) throw new Error("Nothing was changed: no token");
    return change(path, body);
  };
  const told = (body) => {
    if (body.message) return body.message;
    if ("queued" in body) return `${body.queued} of ${body.matched} failed pictures are in the pipeline`;
    if (body.wanted) return `The ${body.group} is to be ${body.wanted}`;
    if ("sent" in body) return body.sent ? "Sent again" : "It was sent again before";
    if (body.replay_id) return body.state === "undone" ? "Undone: the detectors go on where they had been" : `The detectors went back ${body.wish}`;
    if ("asked" in body) return `${body.asked} pictures are asked for now, ${body.pictures - body.asked} were waiting already`;
    return "Done";
  };
  window.thumper = { renew, change, toast, told };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-post]");
    if (!button || button.disabled) return;
    if (button.dataset.ask && !confirm(button.dataset.ask)) return;
    button.disabled = true;
    try {
      const image = button.dataset.image;
      toast(told(await change(button.dataset.post, image && { image_ids: [image] })));
    } catch (error) {
      toast(error.message, true);
    } finally {
      button.disabled = false;
    }
  });

  // Theme and menu.
  at("theme").addEventListener("click", () => {
    const dark = root.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark";
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("thumper-theme", root.dataset.theme);
  });
  at("menu").addEventListener("click", () => {
    const open = at("menu").getAttribute("aria-expanded") !== "true";
    at("menu").setAttribute("aria-expanded", open);
  });

  // A picture that cannot be shown is an empty frame, not a broken sign.
  const broken = (image) => image.classList.add("broken");
  document.addEventListener("error", (event) => event.target.tagName === "IMG" && broken(event.target), true);
  for (const image of document.images) if (image.complete && !image.naturalWidth && image.loading !== "lazy") broken(image);

  // Keys.
  const boxes = at("boxes");
  const toggleBoxes = () => {
    const shown = boxes.getAttribute("aria-pressed") !== "true";
    boxes.setAttribute("aria-pressed", shown);
    at("canvas").classList.toggle("bare", !shown);
  };
  boxes?.addEventListener("click", toggleBoxes);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select, textarea, dialog, .scroll")) return;
    const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    if (way) document.querySelector(`a[rel="${way}"]`)?.click();
    if (event.key.toLowerCase() === "b" && boxes) toggleBoxes();
    if (event.key === "Escape" && at("menu").getAttribute("aria-expanded") === "true") {
      at("menu").setAttribute("aria-expanded", "false");
      at("menu").focus();
    }
  });
  // An empty field need not stand in the address.
  for (const form of document.querySelectorAll("form.filters"))
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    });
  addEventListener("pageshow", () => {
    for (const field of document.querySelectorAll("form.filters :disabled")) field.disabled = false;
  });

  // Uploads: in parcels that the API takes, one after the other.
  const form = at("upload");
  const setUpload = () => {
    let chosen = [];
    const drop = at("drop");
    const size = (files) => files.reduce((sum, file) => sum + file.size, 0);
    const choose = (files) => {
      chosen = [...files];
      const megabytes = (size(chosen) / 1e6).toFixed(1);
      at("chosen").textContent = chosen.length ? `${chosen.length} chosen, ${megabytes} MB.` : "No pictures chosen.";
    };
    at("files").addEventListener("change", (event) => choose(event.target.files));
    for (const kind of ["dragenter", "dragover"])
      drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    for (const kind of ["dragleave", "drop"])
      drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.remove("over"); });
    drop.addEventListener("drop", (event) => choose(event.dataTransfer.files));
    const parcels = (files) => {
      const found = [];
      for (const file of files) {
        const last = found.at(-1);
        const full = !last || last.length >= Number(form.dataset.mostFiles) || size(last) + file.size > Number(form.dataset.mostBytes);
        if (full) found.push([file]); else last.push(file);
      }
      return found;
    };
    const send = (place, files, moved) =>
      new Promise((resolve, reject) => {
        const body = new FormData(), request = new XMLHttpRequest();
        body.append("location_name", place);
        files.forEach((file) => body.append("files", file, file.name));
        request.open("POST", "/api/images");
        for (const [name, value] of Object.entries(authorised())) request.setRequestHeader(name, value);
        request.upload.onprogress = (event) => moved(event.loaded);
        request.onerror = () => reject(new Error("The connection was lost. Upload again: nothing is imported twice."));
        request.onload = () => {
          let answer = {};
          try { answer = JSON.parse(request.responseText); } catch { /* said below */ }
          if (request.status === 200) resolve(answer);
          else reject(Object.assign(new Error([answer.detail ?? request.statusText, answer.hint].filter(Boolean).join(": ")), { status: request.status }));
        };
        request.send(body);
      });
    const patiently = async (place, files, moved) => {
      try {
        return await send(place, files, moved);
      } catch (error) {
        if (error.status !== 401 || !(await askToken())) throw error;
        return patiently(place, files, moved);
      }
    };
    const refuse = (name, reason) => {
      const item = document.createElement("li");
      item.textContent = `${name}: ${reason}`;
      at("refused").append(item);
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!chosen.length) { at("files").focus(); toast("Choose pictures first", true); return; }
      const place = form.elements.location_name.value;
      const sum = { imported: 0, known: 0, removed: 0 };
      at("result").hidden = false;
      at("refused").replaceChildren();
      at("send").disabled = true;
      const fitting = chosen.filter((file) => file.size <= Math.min(Number(form.dataset.mostEach), Number(form.dataset.mostBytes)));
      chosen.filter((file) => !fitting.includes(file)).forEach((file) => refuse(file.name, "too large"));
      const whole = size(fitting) || 1;
      let before = 0;
      try {
        for (const files of parcels(fitting)) {
          at("outcome").textContent = "Uploading …";
          const answer = await patiently(place, files, (bytes) => (at("sent").value = Math.min(0.99, (before + bytes) / whole)));
          before += size(files);
          for (const name of Object.keys(sum)) sum[name] += answer[name];
          answer.refused.forEach((one) => refuse(one.filename, one.reason));
        }
        at("sent").value = 1;
        const parts = [`${sum.imported} imported`, sum.known && `${sum.known} known already`, sum.removed && `${sum.removed} removed before`];
        at("outcome").textContent = `${parts.filter(Boolean).join(", ")}.`;
        form.reset();
        choose([]);
      } catch (error) {
        at("outcome").textContent = `${error.message}. ${sum.imported} were imported before that.`;
      } finally {
        at("send").disabled = false;
      }
    });
  };
  if (form) setUpload();
  addEventListener("DOMContentLoaded", watchConnection);
})();
