// The replay page: asks the API for a plan, shows it, and has it done after a typed word. Answers become text only.
(() => {
  const at = (id) => document.getElementById(id);
  const form = at("replay");
  if (!form) return;
  const { change, toast, told } = window.thumper;
  const number = (value) => value.toLocaleString("en-GB");
  const plural = (value, one) => `${number(value)} ${one}${value === 1 ? "" : "s"}`;
  const span = (seconds) => {
    if (seconds === null) return "unknown";
    if (seconds < 1) return "under 1 s";
    const [size, unit] = seconds < 120 ? [1, "s"] : seconds < 7200 ? [60, "min"] : seconds < 172800 ? [3600, "h"] : [86400, "days"];
    return `${number(Math.round(seconds / size))} ${unit}`;
  };
  // Capture times are the cameras' own, without a zone: shown as they are.
  const moment = (iso) => new Date(`${iso}Z`).toLocaleString("en-GB", { timeZone: "UTC", dateStyle: "medium", timeStyle: "short" });

  const chosenWay = () => form.elements.what.value;
  const showGroups = () => {
    for (const group of form.querySelectorAll("[data-for]"))
      group.hidden = group.disabled = !group.dataset.for.split(" ").includes(chosenWay());
  };
  const wished = () => {
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
    const partitions = given.partition ? [Number(given.partition)] : [];
    if (given.what === "all") return { path: "/api/replay", body: { to_earliest: true, partitions } };
    if (given.what === "since") return { path: "/api/replay", body: { to_datetime: `${given.since}Z`, partitions } };
    if (given.what === "last") return { path: "/api/replay", body: { shift_by: -Number(given.last), clip: true, partitions } };
    const { what, taken_from, taken_to, ...body } = given;
    if (taken_from) body.taken_from = `${taken_from}T00:00:00`;
    if (taken_to) body.taken_to = `${taken_to}T23:59:59.999999`;
    return { path: "/api/replay/pictures", body };
  };

  // The plan. What belongs to the other way of doing it again stays empty, and is hidden.
  const kept = "Results stay readable until new ones replace them, one by one; people's corrections stay for good.";
  const places = (found) => Object.entries(found).map(([name, pictures]) => `${name} ${number(pictures)}`).join(", ");
  const inPlace = (plan) => ({
    wish: plan.events ? `In place: the detectors go back ${plan.wish}.` : `Nothing is done again by going back ${plan.wish}.`,
    events: `${plural(plan.events, "event")} in ${plural(plan.moves.length, "partition")}`,
    time: `${plan.time_means} (the broker's), never of capture`,
    waiting: plan.waiting && `${plural(plan.waiting, "event")} already: they and all new ones come after these`,
    members: plan.members ? `${number(plan.members)} in the group: paused meanwhile, or stop them first` : "none in the group now",
  });
  const chosen = (plan) => ({
    wish: plan.pictures ? "Each of these pictures is asked for once more; fresh ones go on beside them." : "No picture is like that.",
    time: "time of capture, the camera's own",
    waiting: plan.waiting && `${number(plan.waiting)} of them already: they are not asked for again`,
    locations: places(plan.locations),
  });
  const shared = (plan) => ({
    pictures: number(plan.pictures),
    completed: number(plan.completed),
    failed: number(plan.failed),
    takes: span(plan.seconds),
    pace: plan.rate_per_minute === null ? "nothing was processed yet" : `at ${number(Math.round(plan.rate_per_minute))} pictures a minute`,
    taken: plan.first ? `${moment(plan.first)} to ${moment(plan.last)}` : "nobody knows when",
    kept,
  });
  let planned = null, asked = 0;
  const leave = () => { planned = null; asked += 1; at("plan").hidden = true; at("looked").textContent = "Changes nothing yet."; };
  const show = (wish, plan) => {
    const placed = wish.path === "/api/replay", some = placed ? plan.events : plan.pictures;
    const words = { ...shared(plan), ...(placed ? inPlace(plan) : chosen(plan)) };
    for (const place of at("plan").querySelectorAll("[data-say]")) {
      place.textContent = words[place.dataset.say] || "";
      const row = place.closest(".facts > div");
      if (row) row.hidden = !place.textContent;
    }
    planned = some ? { ...wish, placed } : null;
    at("confirm").hidden = !some;
    at("confirm").reset();
    at("pausing").hidden = !placed;
    at("confirm").elements.pause.checked = placed && plan.members > 0;
    at("plan").hidden = false;
    at("plan-title").focus();
  };
  const busy = async (button, work) => {
    button.disabled = true;
    try { await work(); } catch (error) { toast(error.message, true); } finally { button.disabled = false; }
  };
  form.addEventListener("input", () => { showGroups(); leave(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    leave();
    const mine = asked, wish = wished();
    at("looked").textContent = "Looking …";
    busy(at("look"), async () => {
      try {
        const plan = await change(`${wish.path}/plan`, wish.body);
        // Somebody who has chosen otherwise meanwhile is not shown what he did not ask for.
        if (mine === asked) show(wish, plan);
      } finally {
        if (mine === asked) at("looked").textContent = "Changes nothing yet.";
      }
    });
  });
  at("leave").addEventListener("click", () => { leave(); at("look").focus(); });
  at("confirm").addEventListener("submit", (event) => {
    event.preventDefault();
    const { path, body, placed } = planned;
    const query = placed ? `?pause=${at("confirm").elements.pause.checked}&wait_s=60` : "";
    at("going").textContent = placed ? "Under way; the detectors have to leave first …" : "Asking …";
    busy(at("go"), async () => {
      const answer = await change(path + query, body).finally(() => (at("going").textContent = ""));
      leave();
      at("look").focus();
      toast(told(answer));
    });
  });
  addEventListener("pageshow", showGroups);
})();
