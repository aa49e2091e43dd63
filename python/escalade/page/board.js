// The board's page: what is set on the left, the answers and fans that follow on the right.
// It is a widget's front end (render), and a file's (fileModel). No user's text is ever read as HTML.

const WAIT = 2500; // ms until a kernel that does not answer is given up
const SAY = 400; // ms of rest before a change is read out
const CERTAIN = "certain";

// Small things

let pages = 0;

function make(tag, options = {}, ...children) {
  const svg = ["svg", "path", "line"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (["checked", "value", "disabled", "hidden"].includes(name)) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const plain = (name) => name.replaceAll("_", " ");
const instant = (date) => Date.parse(date.includes("T") ? `${date}Z` : `${date}T12:00Z`);
const DAY = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
const spoken = (date) => new Date(instant(date)).toLocaleDateString("en-GB", DAY);

function percent(p) {
  if (p <= 0 || p >= 1) return `${100 * Math.min(Math.max(p, 0), 1)} %`;
  if (p < 0.001) return "< 0.1 %";
  if (p > 0.999) return "> 99.9 %";
  return `${p < 0.0995 || p > 0.9905 ? (100 * p).toFixed(1) : Math.round(100 * p)} %`;
}

function points(change) {
  const size = Math.abs(100 * change);
  if (size < 0.05) return "";
  return `${change > 0 ? "+" : "−"}${size < 9.95 ? size.toFixed(1) : Math.round(size)}`;
}

const about = (p) => {
  const size = Math.abs(p);
  return size >= 100 ? Math.round(p).toLocaleString("en") : Number(p.toPrecision(2)).toString();
};

// The theme is the notebook's where it says so, else the system's.
function isDark() {
  const { body } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  const kind = body.dataset.vscodeThemeKind ?? body.className;
  if (kind.includes("vscode-")) return !kind.includes("vscode-light") && !kind.includes("vscode-high-contrast-light");
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

// The page

function render({ model, el }) {
  const id = `esc${(pages += 1)}`;
  const frame = model.get("frame");
  const inFile = Boolean(model.inFile);
  const cards = model.get("cards") ?? [];
  const dates = frame.dates.map(instant);
  let state = model.get("state");
  let settings = sound(state.settings ?? model.get("settings"));
  let history = [];
  let serial = Math.max(state.serial ?? 0, model.get("settings").serial ?? 0);
  let underWay = 0; // the serial of the request that is not yet answered
  let waiting = false; // whether the settings have changed since
  let slow = null;
  let replayed = null; // the place of the replay's date, where one is shown
  let lastSaid = null;
  let there = true; // whether Python, or the file, answers

  function sound(given) {
    return {
      drivers: { ...given.drivers },
      without: [...(given.without ?? [])],
      added: [...(given.added ?? [])],
      date: given.date ?? frame.dates.at(-1),
    };
  }

  // In the order in which Python writes them.
  function ordered() {
    const drivers = {};
    for (const driver of frame.drivers) {
      const move = settings.drivers[driver.name];
      if (move) drivers[driver.name] = { state: move.state, how: move.how };
    }
    const without = frame.developments.map((d) => d.id).filter((one) => settings.without.includes(one));
    return { drivers, without, added: settings.added, date: settings.date };
  }

  // Asking: one request at a time, and after it only the newest settings.

  function ask() {
    if (underWay) {
      waiting = true;
      return;
    }
    serial += 1;
    underWay = serial;
    waiting = false;
    model.set("settings", { ...ordered(), serial });
    model.save_changes();
    clearTimeout(slow);
    slow = setTimeout(() => {
      if (underWay) note("Waiting for the kernel …");
      underWay = 0;
    }, WAIT);
  }

  function heard() {
    const told = model.get("state");
    const mine = underWay && told.serial === underWay;
    if (!mine && (underWay || told.serial < serial)) return; // stale
    serial = Math.max(serial, told.serial ?? 0);
    underWay = 0;
    clearTimeout(slow);
    if (!inFile) note("");
    if (told.problem) {
      problem.textContent = told.problem;
      problem.hidden = false;
      root.classList.add("esc-stuck");
    } else {
      problem.hidden = true;
      root.classList.remove("esc-stuck");
      state = told;
      if (!waiting) settings = sound(told.settings);
    }
    show();
    if (waiting) ask();
  }

  function change(edit) {
    history.push(JSON.stringify(settings));
    edit(settings);
    replayed = null;
    show();
    ask();
  }

  function back() {
    if (!history.length) return;
    settings = { ...JSON.parse(history.pop()), date: settings.date };
    replayed = null;
    show();
    ask();
  }

  // Skeleton

  const root = make("div", { class: "esc-board" });
  const heading = make(inFile ? "h1" : "p", { class: "esc-title", text: frame.title || "Board" });
  const status = make("p", { class: "esc-note", role: "status" });
  const problem = make("p", { class: "esc-problem", role: "alert", hidden: true });
  const summary = make("p", { class: "esc-summary" });
  const live = make("p", { class: "esc-quiet", "aria-live": "polite" });
  const controls = make("fieldset", { class: "esc-controls", "aria-label": "What is set" });
  const undo = make("button", { type: "button", text: "Undo", onclick: back });
  const reset = make("button", {
    type: "button",
    text: "As it was",
    title: "Take back everything",
    onclick: () => change((s) => Object.assign(s, { drivers: {}, without: [], added: [] })),
  });
  const shown = make("div", { class: "esc-shown esc-upper" });
  const below = make("div", { class: "esc-shown esc-lower" });
  root.append(
    make(
      "header",
      { class: "esc-head" },
      make(
        "div",
        { class: "esc-name" },
        heading,
        make("p", { class: "esc-soft", text: [`as of ${spoken(frame.as_of)}`, ...frame.scenario].join("; ") }),
      ),
      make("div", { class: "esc-state" }, summary, status),
      make("div", { class: "esc-buttons" }, undo, reset),
    ),
    problem,
    live,
    make("div", { class: "esc-columns" }, controls, shown, below),
  );

  function note(words) {
    status.textContent = words;
  }

  // Drivers

  const drivers = frame.drivers.map((driver, k) => driverBox(driver, k));
  controls.append(make("h2", { text: "Drivers" }), ...drivers.map((driver) => driver.node));

  function driverBox(driver, k) {
    const options = [null, ...driver.states].map((name) => {
      const input = make("input", {
        type: "radio",
        name: `${id}-driver-${k}`,
        value: name ?? "",
        onchange: () =>
          change((s) => {
            if (name === null) delete s.drivers[driver.name];
            else s.drivers[driver.name] = { state: name, how: s.drivers[driver.name]?.how ?? how };
          }),
      });
      const bar = make("span", { class: "esc-bar" });
      const value = make("span", { class: "esc-value" });
      const label = make(
        "label",
        { class: name === null ? "esc-asis" : "esc-option" },
        input,
        make("span", { class: "esc-face" }, bar, make("span", { text: name ?? "as it is" }), value),
      );
      return { name, input, bar, value, label };
    });
    let how = "given";
    const hows = [
      ["given", "known", "It is known to be so: the developments are read in that light"],
      ["do", "made so", "It is made so from now on, which says nothing of what led there"],
    ].map(([kind, words, title]) => {
      const input = make("input", {
        type: "radio",
        name: `${id}-how-${k}`,
        value: kind,
        onchange: () => {
          how = kind;
          change((s) => (s.drivers[driver.name].how = kind));
        },
      });
      return { kind, input, label: make("label", { class: "esc-how", title }, input, make("span", { text: words })) };
    });
    const node = make(
      "fieldset",
      { class: "esc-driver" },
      make("legend", { text: plain(driver.name) }),
      options[0].label,
      make("div", { class: "esc-states" }, ...options.slice(1).map((option) => option.label)),
      make("div", { class: "esc-hows" }, ...hows.map((one) => one.label)),
    );
    return {
      node,
      show() {
        const move = settings.drivers[driver.name];
        how = move?.how ?? how;
        for (const one of hows) {
          one.input.checked = one.kind === how;
          one.input.disabled = !move;
        }
        const law = state.drivers[driver.name];
        options.forEach((option, i) => {
          option.input.checked = option.name === (move?.state ?? null);
          if (option.name === null) return;
          option.bar.style.width = `${100 * law[i - 1]}%`;
          option.value.textContent = percent(law[i - 1]);
          option.value.dataset.p = law[i - 1];
        });
      },
    };
  }

  // Developments

  const extra = make("ul", { class: "esc-developments" });
  const list = make("ul", { class: "esc-developments" });
  const counted = make("span", { class: "esc-soft" });
  const rows = [...frame.developments]
    .sort((a, b) => (a.reported ?? "").localeCompare(b.reported ?? ""))
    .map((d) => developmentRow(d));
  list.append(...rows.map((row) => row.node));
  let extraShown = "";
  controls.append(
    make("h2", {}, "Developments ", counted),
    make("div", { class: "esc-scroll", tabindex: "0", role: "group", "aria-label": "Developments" }, extra, list),
  );

  function developmentRow(d) {
    const input = make("input", {
      type: "checkbox",
      onchange: () =>
        change((s) => {
          s.without = input.checked ? s.without.filter((one) => one !== d.id) : [...s.without, d.id];
        }),
    });
    const place = [d.source, d.paragraph ? `¶\u00a0${d.paragraph}` : null].filter(Boolean).join(", ");
    const node = make(
      "li",
      {},
      make(
        "label",
        { title: [d.id, d.says, d.doubt].filter(Boolean).join("\n") },
        input,
        make(
          "span",
          {},
          make("span", { class: "esc-says", text: d.note ?? d.says }),
          make("small", { text: [d.when || d.reported, d.grade, place].filter(Boolean).join(" · ") }),
        ),
      ),
    );
    return {
      node,
      show() {
        input.checked = !settings.without.includes(d.id);
        node.classList.toggle("esc-struck", !input.checked);
      },
    };
  }

  function addedRow(tree, k) {
    const said = tree.saw ?? tree.measured ?? {};
    const name = plain(said.ladder ?? said.indicator ?? tree.id);
    const value = said.at_least ? `${said.at_least} or higher` : (said.is ?? said.value ?? "");
    return make(
      "li",
      { class: "esc-added" },
      make(
        "span",
        {},
        make("span", { class: "esc-says", text: `Added: ${name} ${tree.measured ? "measured" : "at"} ${value}` }),
        make("small", { text: [tree.on, tree.grade].filter(Boolean).join(" · ") }),
      ),
      make("button", {
        type: "button",
        text: "remove",
        "aria-label": `Remove the added development on ${name}`,
        onclick: () => change((s) => s.added.splice(k, 1)),
      }),
    );
  }

  // Adding one

  const form = adding();
  controls.append(make("h2", { text: "Add a development" }), form.node);

  function adding() {
    const things = [
      ...frame.ladders.map((x) => ({ ...x, kind: "ladder", values: x.rungs })),
      ...frame.indicators.map((x) => ({ ...x, kind: "indicator" })),
    ];
    const option = (value, text) => make("option", { value, text });
    const group = (kind, label) =>
      make(
        "optgroup",
        { label },
        ...things.flatMap((x, i) => (x.kind === kind ? [option(String(i), plain(x.name))] : [])),
      );
    const of = make("select", { onchange: fill }, group("ladder", "Ladders"), group("indicator", "Indicators"));
    const reach = make("select", {}, option("is", "is"), option("at_least", "is at or above"));
    const value = make("select");
    const number = make("input", { type: "number", step: "any", value: "0" });
    const on = make("input", { type: "date", value: frame.as_of.slice(0, 10), max: frame.as_of.slice(0, 10) });
    on.min = frame.origin.slice(0, 10);
    const grade = make("select", {}, option(CERTAIN, "certain"), ...frame.grades.map((one) => option(one, one)));
    grade.value = frame.grades.includes("B2") ? "B2" : CERTAIN;
    const field = (text, ...inputs) => make("label", { class: "esc-field" }, make("span", { text }), ...inputs);
    const fields = {
      reach: field("how", reach),
      value: field("value", value),
      number: field("number", number),
      grade: field("grade", grade),
    };
    const node = make(
      "form",
      { class: "esc-add" },
      field("what", of),
      fields.reach,
      fields.value,
      fields.number,
      field("on", on),
      fields.grade,
      make("button", { type: "submit", text: "Add" }),
    );
    node.addEventListener("submit", (event) => {
      event.preventDefault();
      const thing = things[Number(of.value)];
      const taken = new Set(settings.added.map((tree) => tree.id));
      let n = settings.added.length + 1;
      while (taken.has(`added ${n}`)) n += 1;
      const tree = { id: `added ${n}`, on: on.value };
      if (thing.number) tree.measured = { indicator: thing.name, value: Number(number.value) };
      else tree.saw = { [thing.kind]: thing.name, [thing.kind === "ladder" ? reach.value : "is"]: value.value };
      if (!thing.number && grade.value !== CERTAIN) tree.grade = grade.value;
      change((s) => s.added.push(tree));
    });
    function fill() {
      const thing = things[Number(of.value)];
      if (!thing) return;
      value.replaceChildren(...(thing.values ?? []).map((one) => option(one, one)));
      fields.reach.hidden = !(thing.kind === "ladder" && thing.ordered);
      if (fields.reach.hidden) reach.value = "is";
      fields.value.hidden = Boolean(thing.number);
      fields.number.hidden = !thing.number;
      fields.grade.hidden = Boolean(thing.number);
    }
    fill();
    return { node };
  }

  // Answers

  const answers = frame.questions.map((question, k) => answerRow(question, k));
  const replay = frame.replay ? replayBar(frame.replay) : null;
  const interval = frame.questions.some((q) => q.low !== null);
  shown.append(
    make("h2", { text: "Answers" }),
    make("p", {
      class: "esc-key esc-soft",
      text:
        "Dot: as set, at the mode. " +
        (interval ? `Band: ${Math.round(100 * frame.level)} % interval of the untouched fit; line: its mode. ` : "") +
        "Change in percentage points. Choose an answer for what is asked" +
        (cards.length ? " and why." : "."),
    }),
  );
  if (replay) shown.append(replay.node);
  shown.append(make("ul", { class: "esc-answers" }, ...answers.map((answer) => answer.node)));

  function answerRow(question, k) {
    const panel = make("div", { class: "esc-why", id: `${id}-why-${k}`, hidden: true });
    const dot = make("span", { class: "esc-dot" });
    const value = make("span", { class: "esc-p" });
    const moved = make("span", { class: "esc-moved" });
    const word = make("span", { class: "esc-word" });
    const band = make("span", { class: "esc-band" });
    const was = make("span", { class: "esc-was", style: `left:${100 * question.mode}%` });
    const trail = make("span", { class: "esc-trail" });
    const button = make(
      "button",
      {
        type: "button",
        class: "esc-answer",
        "aria-expanded": "false",
        "aria-controls": panel.id,
        onclick: () => {
          panel.hidden = !panel.hidden;
          button.setAttribute("aria-expanded", String(!panel.hidden));
          if (!panel.hidden && !panel.childNodes.length) panel.append(...explanation(question, cards[k]));
        },
      },
      make("span", { class: "esc-question", text: question.name }),
      make("span", { class: "esc-track", "aria-hidden": "true" }, band, trail, was, dot),
      value,
      moved,
      word,
    );
    function place(low, high) {
      band.hidden = low === null;
      if (low !== null) Object.assign(band.style, { left: `${100 * low}%`, width: `${100 * (high - low)}%` });
    }
    return {
      node: make("li", {}, button, panel),
      show() {
        const past = replayed === null ? null : frame.replay;
        const p = past ? past.probability[k][replayed] : state.probability[k];
        for (const part of [dot, trail]) part.hidden = p === null;
        if (past) place(past.low[k][replayed], past.high[k][replayed]);
        else place(question.low, question.high);
        if (p === null) {
          [value.textContent, moved.textContent, word.textContent] = ["", "", "decided by then"];
          return;
        }
        const by = past ? p - (question.probability ?? question.mode) : state.change[k];
        dot.style.left = `${100 * p}%`;
        const [low, high] = [Math.min(p, question.mode), Math.max(p, question.mode)];
        Object.assign(trail.style, { left: `${100 * low}%`, width: `${100 * (high - low)}%` });
        value.textContent = percent(p);
        value.dataset.p = p;
        moved.textContent = points(by);
        moved.classList.toggle("esc-up", by > 0);
        moved.classList.toggle("esc-down", by < 0);
        word.textContent = past ? past.word[k][replayed] : state.word[k];
      },
    };
  }

  function explanation(question, card) {
    const parts = [];
    const say = (text, kind = "p") => parts.push(make(kind, { text }));
    if (question.asks !== question.name) say(`Asks: ${question.asks}`);
    if (question.criterion) say(`Counts as yes: ${question.criterion}`);
    const level = `${Math.round(100 * frame.level)} % interval`;
    const range = question.low === null ? "" : `, ${level} ${percent(question.low)} to ${percent(question.high)}`;
    const mean = percent(question.probability ?? question.mode);
    say(`Untouched: ${mean}${range}; at the mode ${percent(question.mode)}, ${question.word}.`);
    if (!card) {
      if (!inFile) say("In Python, fit.explain(question) takes it apart.");
      return parts;
    }
    if (card.refused) say(card.refused);
    if (card.confidence) say(`Confidence, apart from likelihood: ${card.confidence} (${card.because}).`);
    if (card.reasons?.length) {
      say("Why the untouched fit says so", "h3");
      parts.push(make("ul", {}, ...card.reasons.map((reason) => make("li", { text: reason }))));
    }
    if (card.flip?.text) say(`What would turn it over: ${card.flip.text}`);
    if (card.developments?.length) {
      say("Developments", "h3");
      const share = (x) => (typeof x !== "number" ? "" : `${["−", "", "+"][Math.sign(x) + 1]}${about(Math.abs(x))}`);
      parts.push(
        table(
          ["what", "reported", "grade", "source", card.scale ? `share, ${card.scale}` : "share"],
          card.developments.map((d) => [d.note ?? d.says, d.reported, d.grade, sourced(d), share(d.share)]),
        ),
      );
    }
    if (card.judgements?.length) {
      say("Judgements", "h3");
      parts.push(
        table(
          ["number", "value", "unit", "kind", "source"],
          card.judgements.map((j) => [
            j.words ? `${j.plain ?? j.name} (${j.words})` : (j.plain ?? j.name),
            typeof j.value === "number" ? about(j.value) : j.value,
            j.unit,
            j.kind,
            j.source,
          ]),
        ),
      );
    }
    if (card.author?.length) {
      say("What the author said", "h3");
      parts.push(
        make(
          "ul",
          {},
          ...card.author.map((a) =>
            make("li", {
              text: [`“${a.word}”`, typeof a.probability === "number" ? percent(a.probability) : null, sourced(a)]
                .filter(Boolean)
                .join(", "),
            }),
          ),
        ),
      );
    }
    if (card.hash) parts.push(make("p", { class: "esc-soft esc-hash", text: `Audit ${card.hash}` }));
    return parts;
  }

  function sourced(x) {
    return [x.source, x.paragraph ? `¶\u00a0${x.paragraph}` : null].filter(Boolean).join(", ");
  }

  function table(head, body) {
    const cell = (tag, text) => make(tag, { text: text ?? "", ...(tag === "th" ? { scope: "col" } : {}) });
    return make(
      "div",
      { class: "esc-table", tabindex: "0", role: "group", "aria-label": "Table" },
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...head.map((text) => cell("th", text)))),
        make("tbody", {}, ...body.map((row) => make("tr", {}, ...row.map((text) => cell("td", text))))),
      ),
    );
  }

  function replayBar(past) {
    const last = past.dates.length;
    const input = make("input", {
      type: "range",
      min: "0",
      max: String(last),
      oninput: () => {
        replayed = Number(input.value) === last ? null : Number(input.value);
        show();
      },
    });
    const out = make("output");
    return {
      node: make("label", { class: "esc-slider" }, make("span", { text: "Answers as of" }), input, out),
      show() {
        input.value = String(replayed ?? last);
        out.textContent = replayed === null ? "now, as set" : spoken(past.dates[replayed]);
        input.setAttribute("aria-valuetext", out.textContent);
      },
    };
  }

  // Fans

  const slider = make("input", {
    type: "range",
    min: "0",
    max: String(dates.length - 1),
    oninput: () => {
      settings.date = frame.dates[Number(slider.value)];
      for (const fan of fans) fan.show();
      showDate();
    },
    onchange: () => ask(),
  });
  const dateOut = make("output");
  const fans = frame.ladders.filter((ladder) => ladder.shown).map((ladder) => fanFigure(ladder));
  if (fans.length) {
    below.append(
      make("h2", { text: "Ladders" }),
      make("label", { class: "esc-slider" }, make("span", { text: "Rungs on" }), slider, dateOut),
      make("p", { class: "esc-key esc-soft", text: "Areas: as set. Dashed: the untouched fit, where it differs." }),
      make("div", { class: "esc-fans" }, ...fans.map((fan) => fan.node)),
    );
  }

  function dateAt() {
    const wanted = instant(settings.date);
    return dates.reduce((best, date, i) => (Math.abs(date - wanted) < Math.abs(dates[best] - wanted) ? i : best), 0);
  }

  function showDate() {
    slider.value = String(dateAt());
    dateOut.textContent = spoken(frame.dates[dateAt()]);
    slider.setAttribute("aria-valuetext", dateOut.textContent);
  }

  function fanFigure(ladder) {
    const span = dates.at(-1) - dates[0] || 1;
    const x = (date) => (1000 * (date - dates[0])) / span;
    const areas = ladder.rungs.map((_, r) => make("path", { fill: ladder.colours[r] }));
    const pair = () => ["esc-halo", "esc-before"].map((kind) => make("path", { class: kind }));
    const edges = ladder.rungs.slice(1).map(pair);
    const line = make("line", { class: "esc-at", y1: "0", y2: "100" });
    const svg = make(
      "svg",
      { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img" },
      ...areas,
      ...edges.flat(),
      line,
    );
    const labels = ladder.rungs.map((rung, r) => {
      const value = make("span", { class: "esc-rung-p" });
      const chip = make("span", { class: "esc-chip", style: `background:${ladder.colours[r]}` });
      return { value, node: make("span", { class: "esc-rung" }, chip, make("span", { text: rung }), value) };
    });
    const first = new Date(dates[0]);
    const ticks = [];
    for (let month = 0; month < 240; month += 1) {
      const at = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + month, 1);
      if (at > dates.at(-1)) break;
      if (at >= dates[0]) ticks.push(at);
    }
    const every = [1, 2, 3, 4, 6, 12, 24, 60].find((n) => ticks.length / n <= 4) ?? 120;
    const marks = ticks
      .filter((at) => new Date(at).getUTCMonth() % Math.min(every, 12) === 0 && x(at) > 180 && x(at) < 930)
      .map((at) => {
        const words = new Date(at).toLocaleDateString("en-GB", { month: "short", year: "2-digit", timeZone: "UTC" });
        return make("span", { class: "esc-tick", style: `left:${x(at) / 10}%`, text: words });
      });
    const now = make("span", { class: "esc-tick esc-now", text: "now" });
    const node = make(
      "figure",
      { class: "esc-fan" },
      make("figcaption", { text: plain(ladder.name) }),
      make(
        "div",
        { class: "esc-plot" },
        svg,
        make("div", { class: "esc-ticks", "aria-hidden": "true" }, now, ...marks),
      ),
      make("div", { class: "esc-rungs", "aria-hidden": "true" }, ...labels.map((label) => label.node).reverse()),
    );
    const edge = (fan, r) => fan.map((law) => 100 * (1 - law.slice(0, r).reduce((a, b) => a + b, 0)));
    const path = (ys) => ys.map((y, i) => `${i ? "L" : "M"}${x(dates[i]).toFixed(1)} ${y.toFixed(2)}`).join("");
    let drawn = null;
    return {
      node,
      show() {
        const fan = state.fans[ladder.name] ?? ladder.fan;
        if (drawn !== fan) {
          const lines = Array.from({ length: ladder.rungs.length + 1 }, (_, r) => edge(fan, r));
          areas.forEach((area, r) => {
            const down = lines[r].map((y, i) => `L${x(dates[i]).toFixed(1)} ${y.toFixed(2)}`).reverse().join("");
            area.setAttribute("d", `${path(r + 1 < lines.length - 1 ? lines[r + 1] : lines[0].map(() => 0))}${down}Z`);
          });
          edges.forEach((marks, r) => {
            const before = fan === ladder.fan ? "" : path(edge(ladder.fan, r + 1));
            for (const mark of marks) mark.setAttribute("d", before);
          });
          drawn = fan;
        }
        const at = dateAt();
        line.setAttribute("x1", x(dates[at]).toFixed(1));
        line.setAttribute("x2", x(dates[at]).toFixed(1));
        labels.forEach((label, r) => {
          label.value.textContent = percent(fan[at][r]);
          label.value.dataset.p = fan[at][r];
        });
        const words = ladder.rungs.map((rung, r) => `${rung} ${percent(fan[at][r])}`).join(", ");
        svg.setAttribute("aria-label", `${plain(ladder.name)} on ${spoken(frame.dates[at])}: ${words}`);
      },
    };
  }

  // Showing

  function show() {
    drivers.forEach((driver) => driver.show());
    rows.forEach((row) => row.show());
    if (extraShown !== JSON.stringify(settings.added)) {
      extra.replaceChildren(...settings.added.map(addedRow));
      extraShown = JSON.stringify(settings.added);
    }
    const left = rows.length - settings.without.length;
    const more = settings.added.length ? `, ${settings.added.length} added` : "";
    counted.textContent = `${left} of ${rows.length} count${more}`;
    answers.forEach((answer) => answer.show());
    if (replay) replay.show();
    fans.forEach((fan) => fan.show());
    showDate();
    undo.disabled = !there || !history.length;
    const touched = Object.keys(settings.drivers).length + settings.without.length + settings.added.length;
    reset.disabled = !there || !touched;
    const changed = state.changed.length ? state.changed.join("; ") : "Nothing changed";
    summary.textContent = changed;
    const moves = state.change
      .map((by, k) => [Math.abs(by), `${frame.questions[k].name} ${points(by)}`, points(by)])
      .filter((move) => move[2])
      .sort((a, b) => b[0] - a[0])
      .slice(0, 3)
      .map((move) => move[1]);
    say(`${changed}. ${moves.length ? `Most moved, in points: ${moves.join("; ")}.` : "No answer differs."}`);
  }

  let saying = null;
  function say(words) {
    clearTimeout(saying);
    if (lastSaid === null) {
      lastSaid = words; // what stands there at first is not read out
      return;
    }
    saying = setTimeout(() => {
      if (words !== lastSaid) live.textContent = words;
      lastSaid = words;
    }, SAY);
  }

  // Whether anyone is there

  function alive(yes) {
    there = yes;
    controls.disabled = !yes;
    note("");
    show();
  }

  const theme = () => (root.dataset.theme = isDark() ? "dark" : "light");
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  const watcher = new MutationObserver(theme);
  scheme.addEventListener("change", theme);
  watcher.observe(document.body, { attributes: true });
  theme();

  const answered = (message) => message?.kind === "here" && alive(true);
  let patience = null;
  model.on("change:state", heard);
  el.append(root);
  if (inFile) {
    form.node.before(make("p", { class: "esc-soft", text: "To add one, open the board in Python." }));
    for (const input of form.node.elements) input.disabled = true;
    show();
    note("A file: one change at a time.");
  } else {
    alive(false);
    model.on("msg:custom", answered);
    patience = setTimeout(() => {
      if (controls.disabled) note("No kernel answers: this is the last state. Run the cell again to move it.");
    }, WAIT);
    try {
      model.send({ kind: "hello" });
    } catch {
      // no kernel: the note comes
    }
  }

  return () => {
    for (const timer of [slow, saying, patience]) clearTimeout(timer);
    scheme.removeEventListener("change", theme);
    watcher.disconnect();
    model.off("change:state", heard);
    if (!inFile) model.off("msg:custom", answered);
  };
}

// A file has no Python: it holds the states under single changes, and says so of any other.
function fileModel(data) {
  const held = { ...data, state: { ...data.state, serial: 0 } };
  const listeners = new Set();
  return {
    inFile: true,
    get: (name) => held[name],
    set: (name, value) => {
      held[name] = value;
    },
    save_changes() {
      const { serial, date, ...settings } = held.settings;
      const found = held.what_ifs[JSON.stringify(settings)];
      const many = "More than one change at once needs Python; take one back. The numbers are those before it.";
      held.state = found ? { ...found, settings: held.settings, serial } : { serial, problem: many };
      for (const listener of listeners) listener();
    },
    on: (event, listener) => listeners.add(listener),
    off: (event, listener) => listeners.delete(listener),
  };
}

export default { render };
