// One page over the management API: what there is in a virtual host, how fast it moves, and a message to try it with.
// It knows nothing but /api. Names come from anybody, so all text goes in as text, never as markup.

const texts = {
  en: {
    login: "Log in", user: "User", password: "Password", enter: "Log in", leave: "Log out", vhost: "Virtual host",
    queues: "Queues", exchanges: "Exchanges", bindings: "Bindings", messages: "Messages in", publish: "Publish a test message",
    filter: "filter by name", name: "Name", type: "Type", features: "Features", state: "State", ready: "Ready", unacked: "Unacked",
    total: "Total", inRate: "in /s", outRate: "out /s", ackRate: "ack /s", consumers: "Consumers", from: "From", to: "To",
    key: "Routing key", arguments: "Arguments", exchange: "Exchange", headers: "Headers (JSON)", persistent: "persistent",
    body: "Body", send: "Publish", count: "How many", look: "Look", lookHint: "They are put back to their places, marked as redelivered.",
    connections: "Connections", channels: "Channels", published: "Published /s", delivered: "Delivered /s", acked: "Acknowledged /s",
    routed: "Published and routed.", notRouted: "Published, but no queue wanted it.", none: "none", defaultExchange: "(default)",
    wrong: "Name or password is wrong.", badHeaders: "The headers are no JSON object.", nothing: "Nothing is ready in this queue.",
    page: (page, pages, all) => `page ${page} of ${pages}, ${all} in all`, previous: "previous", next: "next", queue: "queue",
    about: (version, who) => `${version} · ${who}`, redelivered: "redelivered", language: "中文", theme: "light / dark", away: "The server does not answer.",
  },
  zh: {
    login: "登录", user: "用户", password: "密码", enter: "登录", leave: "退出", vhost: "虚拟主机",
    queues: "队列", exchanges: "交换机", bindings: "绑定", messages: "消息：", publish: "发布测试消息",
    filter: "按名称筛选", name: "名称", type: "类型", features: "特性", state: "状态", ready: "待投递", unacked: "未确认",
    total: "总数", inRate: "入 /秒", outRate: "出 /秒", ackRate: "确认 /秒", consumers: "消费者", from: "来源", to: "目标",
    key: "路由键", arguments: "参数", exchange: "交换机", headers: "消息头（JSON）", persistent: "持久化",
    body: "消息体", send: "发布", count: "条数", look: "查看", lookHint: "查看后放回原位，并标记为已重投。",
    connections: "连接", channels: "信道", published: "发布 /秒", delivered: "投递 /秒", acked: "确认 /秒",
    routed: "已发布并路由。", notRouted: "已发布，但没有队列接收。", none: "无", defaultExchange: "（默认）",
    wrong: "用户名或密码错误。", badHeaders: "消息头不是 JSON 对象。", nothing: "该队列中没有待投递的消息。",
    page: (page, pages, all) => `第 ${page} / ${pages} 页，共 ${all}`, previous: "上一页", next: "下一页", queue: "队列",
    about: (version, who) => `${version} · ${who}`, redelivered: "已重投", language: "English", theme: "浅色 / 深色", away: "服务器没有响应。",
  },
};

const every = 5000, pageSize = 50;
const find = (selector) => document.querySelector(selector);
const state = {
  language: localStorage.language ?? (navigator.language.startsWith("zh") ? "zh" : "en"),
  login: sessionStorage.login ?? null, vhost: sessionStorage.vhost ?? "/", queuePage: 1, bindingPage: 1, filter: "", queue: null,
  timer: 0, shown: 0,
};
const t = (name) => texts[state.language][name];

// --- the API -----------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, reason) { super(reason); this.status = status; }
}

async function api(path, body) {
  let answer;
  try {
    answer = await fetch("/api" + path, {
      method: body === undefined ? "GET" : "POST", cache: "no-store",
      headers: { authorization: state.login ?? "Basic Og==", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, t("away"));
  }
  const text = await answer.text();
  const json = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Refused(json?.error === "not_authorised" ? 403 : answer.status, typeof json?.reason === "string" ? json.reason : `${answer.status}`);
  return json;
}

const part = (name) => encodeURIComponent(name);
/// Utf-8 in base64, for names and passwords of any letters.
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

// --- small pieces ------------------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  made.append(...children);
  return made;
}

const number = (value) => (value ?? 0).toLocaleString(state.language);
const rate = (stats, name) => stats?.[name + "_details"]?.rate ?? 0;
const shownArguments = (values) => (Object.keys(values).length ? JSON.stringify(values) : "");

/// columns: [title, class, cell of a row]
function fill(table, columns, rows) {
  table.tHead.replaceChildren(element("tr", {}, ...columns.map(([title, kind]) => element("th", { class: kind, scope: "col" }, t(title)))));
  const body = rows.map((row) => element("tr", {}, ...columns.map(([, kind, cell]) => {
    const content = cell(row);
    return element("td", { class: kind }, ...(Array.isArray(content) ? content : [content]));
  })));
  if (!body.length) body.push(element("tr", {}, element("td", { colspan: columns.length, class: "hint" }, t("none"))));
  table.tBodies[0].replaceChildren(...body);
}

function pager(place, listing, turn) {
  const button = (name, to) => element("button", {
    type: "button", disabled: to < 1 || to > listing.page_count, onclick: () => turn(to) }, t(name));
  place.replaceChildren(button("previous", listing.page - 1), element("span", {}, " " + t("page")(listing.page, listing.page_count, listing.filtered_count) + " "),
    button("next", listing.page + 1));
}

const tags = (...words) => words.filter(Boolean).map((word) => element("span", { class: "tag" }, word));

// --- what is shown -----------------------------------------------------------------------------------------

function showTotals(overview) {
  const stats = overview.message_stats, objects = overview.object_totals, sums = overview.queue_totals;
  const cells = [["ready", sums.messages_ready], ["unacked", sums.messages_unacknowledged], ["published", rate(stats, "publish")],
    ["delivered", rate(stats, "deliver_get")], ["acked", rate(stats, "ack")], ["queues", objects.queues], ["exchanges", objects.exchanges],
    ["connections", objects.connections], ["channels", objects.channels], ["consumers", objects.consumers]];
  find("#totals").replaceChildren(...cells.map(([name, value]) =>
    element("div", { "data-total": name }, element("dt", {}, t(name)), element("strong", {}, number(value)))));
}

function showQueues(listing) {
  fill(find("#queues"), [
    ["name", "name", (queue) => element("button", { class: "plain", type: "button", onclick: () => choose(queue.name) }, queue.name)],
    ["features", "", (queue) => tags(queue.type === "quorum" && "quorum", queue.durable && "D", queue.auto_delete && "AD",
      queue.exclusive && "excl", queue.arguments["x-message-ttl"] !== undefined && "TTL", queue.arguments["x-dead-letter-exchange"] !== undefined && "DLX",
      queue.arguments["x-max-length"] !== undefined && "Lim", queue.arguments["x-max-priority"] !== undefined && "Pri", queue.policy)],
    ["ready", "number", (queue) => number(queue.messages_ready)],
    ["unacked", "number", (queue) => number(queue.messages_unacknowledged)],
    ["total", "number", (queue) => number(queue.messages)],
    ["consumers", "number", (queue) => number(queue.consumers)],
    ["inRate", "number", (queue) => number(rate(queue.message_stats, "publish"))],
    ["outRate", "number", (queue) => number(rate(queue.message_stats, "deliver_get"))],
    ["ackRate", "number", (queue) => number(rate(queue.message_stats, "ack"))],
  ], listing.items);
  pager(find("#queue-pages"), listing, (page) => { state.queuePage = page; refresh(); });
}

function showExchanges(exchanges) {
  const label = (name) => name || t("defaultExchange");
  fill(find("#exchanges"), [
    ["name", "name", (exchange) => label(exchange.name)],
    ["type", "", (exchange) => exchange.type],
    ["features", "", (exchange) => tags(exchange.durable && "D", exchange.auto_delete && "AD", exchange.internal && "I", exchange.policy)],
    ["arguments", "name", (exchange) => element("code", {}, shownArguments(exchange.arguments))],
    ["inRate", "number", (exchange) => number(rate(exchange.message_stats, "publish_in"))],
    ["outRate", "number", (exchange) => number(rate(exchange.message_stats, "publish_out"))],
  ], exchanges);
  const select = find("#publish").elements.exchange, chosen = select.value;
  const names = exchanges.filter((exchange) => !exchange.internal).map((exchange) => exchange.name);
  if (names.join("\n") === [...select.options].map((option) => option.value).join("\n") && select.dataset.language === state.language) return;
  select.dataset.language = state.language;
  select.replaceChildren(...names.map((name) => element("option", { value: name }, label(name))));
  if (names.includes(chosen)) select.value = chosen;
}

function showBindings(listing) {
  fill(find("#bindings"), [
    ["from", "name", (binding) => binding.source || t("defaultExchange")],
    ["key", "name", (binding) => element("code", {}, binding.routing_key)],
    ["to", "name", (binding) => binding.destination],
    ["type", "", (binding) => t(binding.destination_type)],
    ["arguments", "name", (binding) => element("code", {}, shownArguments(binding.arguments))],
  ], listing.items);
  pager(find("#binding-pages"), listing, (page) => { state.bindingPage = page; refresh(); });
}

function showVhosts(vhosts) {
  const select = find("#vhost"), names = vhosts.map((vhost) => vhost.name);
  if (!names.includes(state.vhost)) state.vhost = names[0] ?? "/";
  if (names.join("\n") !== [...select.options].map((option) => option.value).join("\n"))
    select.replaceChildren(...names.map((name) => element("option", {}, name)));
  select.value = state.vhost;
}

async function paged(path, pageName, more = "") {
  const ask = () => api(`${path}?page=${state[pageName]}&page_size=${pageSize}${more}`);
  try {
    return await ask();
  } catch (refused) {
    if (refused.status !== 400 || state[pageName] === 1) throw refused;
    state[pageName] = 1;  // there are fewer than before
    return ask();
  }
}

async function refresh() {
  clearTimeout(state.timer);
  const turn = ++state.shown;
  try {
    showVhosts(await api("/vhosts?columns=name"));
    const vhost = part(state.vhost), filter = state.filter ? "&name=" + part(state.filter) : "";
    const [overview, queues, exchanges, bindings] = await Promise.all([
      api("/overview"), paged(`/queues/${vhost}`, "queuePage", filter), api(`/exchanges/${vhost}`), paged(`/bindings/${vhost}`, "bindingPage")]);
    if (turn !== state.shown) return;  // somebody asked for something else meanwhile
    find("#about").textContent = t("about")(`${overview.posthorn_version ?? ""} (AMQP ${overview.rabbitmq_version})`, overview.cluster_name);
    showTotals(overview);
    showQueues(queues);
    showExchanges(exchanges);
    showBindings(bindings);
    find("#trouble").textContent = "";
  } catch (refused) {
    if (refused.status === 401) return ask(state.login ? t("wrong") : "");
    find("#trouble").textContent = refused.message;
  }
  if (turn === state.shown) state.timer = setTimeout(refresh, every);
}

// --- messages ----------------------------------------------------------------------------------------------

function choose(queue) {
  state.queue = queue;
  find("#messages").hidden = false;
  find("#messages-of").textContent = queue;
  find("#got").replaceChildren();
  const form = find("#publish").elements;
  form.exchange.value = "";
  form.key.value = queue;
}

async function look() {
  const place = find("#got");
  try {
    const got = await api(`/queues/${part(state.vhost)}/${part(state.queue)}/get`, {
      count: Number(find("#get-count").value) || 1, ackmode: "ack_requeue_true", encoding: "auto", truncate: 50000 });
    place.replaceChildren(...(got.length ? got.map((message) => element("li", {},
      element("div", {}, element("code", {}, `${message.exchange || t("defaultExchange")} → ${message.routing_key}`), " ",
        ...tags(message.redelivered && t("redelivered"), message.payload_encoding === "base64" && "base64")),
      element("pre", {}, message.payload),
      element("code", { class: "hint" }, Array.isArray(message.properties) ? "" : JSON.stringify(message.properties)))) : [element("p", { class: "hint" }, t("nothing"))]));
  } catch (refused) {
    place.replaceChildren(element("p", { class: "trouble" }, refused.message));
  }
}

async function publish(event) {
  event.preventDefault();
  const form = event.target.elements, said = find("#sent");
  const say = (kind, text) => { said.className = kind; said.textContent = text; };
  let headers = null;
  try {
    headers = form.headers.value.trim() ? JSON.parse(form.headers.value) : null;
    if (headers !== null && (typeof headers !== "object" || Array.isArray(headers))) throw new Error();
  } catch {
    return say("bad", t("badHeaders"));
  }
  try {
    const { routed } = await api(`/exchanges/${part(state.vhost)}/${part(form.exchange.value || "amq.default")}/publish`, {
      properties: { delivery_mode: form.persistent.checked ? 2 : 1, ...(headers ? { headers } : {}) },
      routing_key: form.key.value, payload: form.body.value, payload_encoding: "string" });
    say(routed ? "good" : "bad", t(routed ? "routed" : "notRouted"));
    refresh();
  } catch (refused) {
    say("bad", refused.message);
  }
}

// --- coming and going --------------------------------------------------------------------------------------

function ask(trouble = "") {
  clearTimeout(state.timer);
  state.login = null;
  sessionStorage.removeItem("login");
  find("main").hidden = find("#leave").hidden = true;
  find("#login").hidden = false;
  find("#login .trouble").textContent = trouble;
  find("#login input").focus();
}

async function enter() {
  try {
    await api("/whoami");
  } catch (refused) {
    return ask(refused.status === 401 ? (refused.message === "Login failed" ? t("wrong") : refused.message) : refused.message);
  }
  sessionStorage.login = state.login;
  find("#login").hidden = true;
  find("main").hidden = find("#leave").hidden = false;
  refresh();
}

function speak() {
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = t(place.dataset.text);
  for (const place of document.querySelectorAll("[data-hint]")) place.placeholder = place.ariaLabel = t(place.dataset.hint);
  find("#language").textContent = t("language");
  find("#theme").textContent = t("theme");
}

function paint() {
  if (localStorage.theme) document.documentElement.dataset.theme = localStorage.theme;
}

find("#login").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target.elements;
  state.login = "Basic " + base64(`${form.user.value}:${form.password.value}`);
  form.password.value = "";
  enter();
});
find("#leave").addEventListener("click", () => ask());
find("#language").addEventListener("click", () => {
  localStorage.language = state.language = state.language === "en" ? "zh" : "en";
  speak();
  if (state.login) refresh();
});
find("#theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  localStorage.theme = dark === "dark" ? "light" : "dark";
  paint();
});
find("#vhost").addEventListener("change", (event) => {
  sessionStorage.vhost = state.vhost = event.target.value;
  state.queuePage = state.bindingPage = 1;
  find("#messages").hidden = true;
  state.queue = null;
  refresh();
});
find("#queue-filter").addEventListener("input", (event) => {
  state.filter = event.target.value;
  state.queuePage = 1;
  refresh();
});
find("#get").addEventListener("click", look);
find("#publish").addEventListener("submit", publish);

paint();
speak();
if (state.login) enter();
else ask();
