// The texts of the console in English and Chinese, and which of them is shown.

const TEXTS = {
  en: {
    title: "Search enrichment", skip: "Skip to content", theme: "Light / dark", language: "中文",
    "view.search": "Search", "view.keywords": "Keywords", "view.words": "Words",
    "view.evaluation": "Evaluation", "view.state": "State",
    "key.label": "API key of this service", "key.use": "Use",
    index: "Index", "no.index": "There is no enriched index yet.", top: "Hits",
    "search.query": "Query", "search.run": "Search",
    "search.hint": "\"a phrase\" is required, -word is excluded. Press / to type here.",
    "search.filter": "Filter", "search.filter.add": "Add", "search.filter.hint": "field=value, year>=2020",
    "search.facets": "Count the values of", "search.facets.hint": "keywords, topic",
    "search.plain": "Typed words alone", "search.enriched": "Enriched", "search.hits": "Documents: {total} in {ms} ms",
    "search.none": "No document matches.", "search.new": "new", "search.gone": "not on the right",
    "search.same": "same place", "search.up": "up {n}", "search.down": "down {n}", "search.by.vector": "found by its vector",
    "search.has": "contains added words: {words}", "search.added": "What was added to the query", "search.nothing": "Nothing was added.",
    "search.why.not": "Why other words were not added", "search.unknown": "Not in the model: {words}",
    "term": "Term", "weight": "Weight", "origin": "By", "reason": "Reason", "field": "Field", "score": "Score",
    "information": "Information (nats)", "remove": "Remove the filter {filter}", "vector.share": "The vector has {head} % of the score in the first ranks, {rest} % in the others.",
    "keywords.text": "Text", "keywords.run": "Find keywords", "keywords.none": "The text has no keyword.",
    "words.word": "Word", "words.run": "Look up", "words.neighbors": "Words that can replace it",
    "words.related": "Words that occur with it", "words.senses": "Senses", "words.sense": "Sense {n}",
    "words.cosine": "cosine", "words.unknown": "The model does not know this word. Did you mean:",
    "view.library": "Library", "library.item": "Item", "library.together": "Read together", "library.alike": "Alike",
    "library.maps": "Maps", "library.map": "Map", "library.no.maps": "There are no maps: list pages of `enricher library map` as `maps` in the table [serve] of enricher.toml.",
    "words.graph": "The senses of {word}: {groups}", "words.parts": "The model does not know this as one word. The answer is for its parts: {words}",
    "evaluation.queries": "Judged queries", "evaluation.run": "Evaluate",
    "evaluation.hint": "One query a line, then a tab or |, then ids of relevant documents: green tea | d12 d40=2",
    "evaluation.wrong": "Line {n} has no query and ids, separated by a tab or |.",
    "evaluation.gain": "Gain of nDCG@10 for each query", "evaluation.helped": "helped", "evaluation.hurt": "hurt",
    "evaluation.plain": "typed words", "evaluation.enriched": "enriched", "evaluation.relevant": "relevant",
    "evaluation.system": "System", "evaluation.show": "Rankings of {query}", "evaluation.count": "{n} queries",
    "evaluation.picture": "{helped} queries are helped and {hurt} are hurt; the largest gain is {most}, the largest loss {least}.",
    "state.ready": "Ready", "state.not.ready": "Not ready", "state.models": "Models", "state.indexes": "Indexes",
    "state.jobs": "Reindex jobs", "state.no.jobs": "There are no jobs.", "state.active": "active",
    "state.version": "Version", "state.created": "Created", "state.words": "Words", "state.documents": "Documents",
    "state.fields": "Fields", "state.model": "Model", "state.fault": "Fault", "state.name": "Name",
    "state.job": "Job", "state.phase": "Phase", "state.progress": "Progress", "state.alias": "Alias",
    "state.no.models": "There are no models: train one with `enricher train`.", "state.language": "Language",
    "view.review": "Review", "review.no.files": "There is no file to review: list files as `review` in the table [serve] of enricher.toml.",
    "review.file": "File", "review.state": "Show", "review.author": "Your name", "review.keys": "Keys a, r, m, s, u decide",
    "review.progress": "Decided words of the file", "review.list": "Words", "review.more": "More words",
    "review.accept": "Accept", "review.reject": "Reject", "review.merge": "Merge", "review.skip": "Skip", "review.undo": "Undo",
    "review.accepted": "accepted", "review.rejected": "rejected", "review.merged": "merged", "review.skipped": "skipped",
    "review.undecided": "undecided and skipped", "review.open": "undecided", "review.all": "all words",
    "review.into": "Merge into", "review.cancel": "Cancel", "review.comment": "Comment", "review.expiry": "Holds until",
    "review.by": "by {author}", "review.until": "until {expiry}", "review.until.over": "was decided until {expiry}",
    "review.end": "No more words in this list.", "review.none": "There are no such words.",
    "review.changed": "{word} was changed by somebody else meanwhile: {state}. Decide again if you disagree.",
    "review.known": "Known to the model", "review.yes": "yes", "review.no": "no", "review.added": "added", "review.unused": "not used",
    "review.count": "Occurrences", "review.background": "In the background", "review.contrast": "Contrast", "review.cohesion": "Cohesion",
    "review.boundary": "Boundary entropy", "review.isolated": "Alone", "review.nearest": "Nearest seed",
    loading: "Working …", done: "Done.",
  },
  zh: {
    title: "搜索增强", skip: "跳到内容", theme: "浅色 / 深色", language: "English",
    "view.search": "搜索", "view.keywords": "关键词", "view.words": "词语",
    "view.evaluation": "评测", "view.state": "状态",
    "key.label": "本服务的 API 密钥", "key.use": "使用",
    index: "索引", "no.index": "还没有经过增强的索引。", top: "条数",
    "search.query": "查询", "search.run": "搜索",
    "search.hint": "\"短语\" 必须出现，-词 不得出现。按 / 键可直接输入。",
    "search.filter": "过滤", "search.filter.add": "添加", "search.filter.hint": "字段=值，year>=2020",
    "search.facets": "统计字段的取值", "search.facets.hint": "keywords, topic",
    "search.plain": "仅输入的词", "search.enriched": "增强后", "search.hits": "{total} 篇文档，{ms} 毫秒",
    "search.none": "没有匹配的文档。", "search.new": "新增", "search.gone": "右侧没有",
    "search.same": "位置不变", "search.up": "上升 {n}", "search.down": "下降 {n}", "search.by.vector": "由向量找到",
    "search.has": "含有添加的词：{words}", "search.added": "查询中添加了什么", "search.nothing": "没有添加任何词。",
    "search.why.not": "其他词为什么没有添加", "search.unknown": "模型中没有：{words}",
    "term": "词", "weight": "权重", "origin": "来源", "reason": "理由", "field": "字段", "score": "得分",
    "information": "互信息（奈特）", "remove": "去掉过滤条件 {filter}", "vector.share": "向量在前几名中占得分的 {head} %，在其余名次中占 {rest} %。",
    "keywords.text": "文本", "keywords.run": "提取关键词", "keywords.none": "文本中没有关键词。",
    "words.word": "词", "words.run": "查询", "words.neighbors": "可以替换它的词",
    "words.related": "与它一同出现的词", "words.senses": "词义", "words.sense": "词义 {n}",
    "words.cosine": "余弦", "words.unknown": "模型不认识这个词。您是不是要找：",
    "view.library": "书目", "library.item": "条目", "library.together": "常一起读的", "library.alike": "相似的",
    "library.maps": "地图", "library.map": "地图", "library.no.maps": "还没有地图：请在 enricher.toml 的 [serve] 表中用 `maps` 列出 `enricher library map` 生成的页面。",
    "words.graph": "{word} 的词义：{groups}", "words.parts": "模型没有把它当作一个词，以下是它的组成部分的结果：{words}",
    "evaluation.queries": "带判断的查询", "evaluation.run": "评测",
    "evaluation.hint": "每行一个查询，然后是制表符或 |，再写相关文档的编号：绿茶 | d12 d40=2",
    "evaluation.wrong": "第 {n} 行没有用制表符或 | 分开的查询和编号。",
    "evaluation.gain": "每个查询的 nDCG@10 增益", "evaluation.helped": "变好", "evaluation.hurt": "变差",
    "evaluation.plain": "输入的词", "evaluation.enriched": "增强后", "evaluation.relevant": "相关",
    "evaluation.system": "系统", "evaluation.show": "{query} 的排名", "evaluation.count": "{n} 个查询",
    "evaluation.picture": "{helped} 个查询变好，{hurt} 个变差；最大增益 {most}，最大损失 {least}。",
    "state.ready": "就绪", "state.not.ready": "未就绪", "state.models": "模型", "state.indexes": "索引",
    "state.jobs": "重建索引任务", "state.no.jobs": "没有任务。", "state.active": "使用中",
    "state.version": "版本", "state.created": "创建时间", "state.words": "词数", "state.documents": "文档数",
    "state.fields": "字段", "state.model": "模型", "state.fault": "故障", "state.name": "名称",
    "state.job": "任务", "state.phase": "阶段", "state.progress": "进度", "state.alias": "别名",
    "state.no.models": "还没有模型：请用 `enricher train` 训练。", "state.language": "语言",
    "view.review": "审核", "review.no.files": "没有可审核的文件：请在 enricher.toml 的 [serve] 表中用 `review` 列出文件。",
    "review.file": "文件", "review.state": "显示", "review.author": "您的姓名", "review.keys": "用 a、r、m、s、u 键操作",
    "review.progress": "文件中已决定的词", "review.list": "词表", "review.more": "更多词",
    "review.accept": "接受", "review.reject": "拒绝", "review.merge": "合并", "review.skip": "跳过", "review.undo": "撤销",
    "review.accepted": "已接受", "review.rejected": "已拒绝", "review.merged": "已合并", "review.skipped": "已跳过",
    "review.undecided": "未决定和已跳过", "review.open": "未决定", "review.all": "全部词",
    "review.into": "合并到", "review.cancel": "取消", "review.comment": "备注", "review.expiry": "有效期至",
    "review.by": "决定人：{author}", "review.until": "有效期至 {expiry}", "review.until.over": "原决定已于 {expiry} 到期",
    "review.end": "此列表中没有更多词了。", "review.none": "没有这样的词。",
    "review.changed": "“{word}”已被他人修改：{state}。如有不同意见，请重新决定。",
    "review.known": "模型已知", "review.yes": "是", "review.no": "否", "review.added": "已添加", "review.unused": "不使用",
    "review.count": "出现次数", "review.background": "背景语料中的次数", "review.contrast": "对比度", "review.cohesion": "凝合度",
    "review.boundary": "边界熵", "review.isolated": "单独出现", "review.nearest": "最近的种子词",
    loading: "处理中……", done: "完成。",
  },
};

// How the service gives reasons and names phases of jobs, and the same in Chinese.
const REASONS = [
  [/^in the query$/, "查询中的词"], [/^part of (.+)$/, "“$1” 的一部分"], [/^stands across two words$/, "跨两个词"],
  [/^documents near (.+)$/, "与 “$1” 相近的文档"], [/^occurs with (.+)$/, "常与 $1 一同出现"],
  [/^stem of (.+)$/, "“$1” 的词干"], [/^(.+) followed by (.+)$/, "“$1” 后面是 “$2”"],
  [/^is in the query already$/, "查询中已有"], [/^belongs to another sense of its query word$/, "属于查询词的另一个词义"],
  [/^has too little mutual information with the query, less than (.+)$/, "与查询的互信息太小，小于 $1 奈特"],
  [/^nothing is added, because (.+) finds (.+) documents$/, "不添加任何词，因为 “$1” 已能找到 $2 篇文档"],
  [/^(.+) words are added, and others rank higher$/, "只添加 $1 个词，其他词排名更高"],
  [/^preparing$/, "准备"], [/^copying$/, "复制"], [/^reconciling$/, "核对"], [/^gating$/, "评测"], [/^catching up$/, "追赶"],
  [/^blocking$/, "暂停写入"], [/^swapping$/, "切换"], [/^trailing$/, "收尾"], [/^done$/, "完成"], [/^cancelled$/, "已取消"],
];

const stored = localStorage.getItem("language");
export let language = stored in TEXTS ? stored : navigator.language.startsWith("zh") ? "zh" : "en";

/** The text of a key, with {names} replaced. */
export function text(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** A reason of the service in the language of the page; as it is if it is not known. */
export function reasonText(reason) {
  const known = language === "zh" && REASONS.find(([pattern]) => pattern.test(reason));
  return known ? reason.replace(...known) : reason;
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
}

/** A number with at most so many decimals, as the language writes it. */
export function shown(number, decimals = 3) {
  return number.toLocaleString(language, { maximumFractionDigits: decimals });
}
