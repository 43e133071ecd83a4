"""Stop words of Chinese and English: function words that occur in texts on every subject.

Both lists were written for this project. They contain particles, pronouns, prepositions, conjunctions,
auxiliaries and adverbs of degree, but no content words, even if these are common.
"""

_CHINESE = """
的 地 得 了 着 过 吗 呢 吧 啊 呀 嘛 啦 么 之 其 者 所 以 于 与 及 和 或 而 且 但 若 则 因 故 即
我 你 您 他 她 它 我们 你们 他们 她们 它们 咱们 大家 自己 某 某些 各 各种 每 每个 任何 一切 所有
这 那 此 该 这个 那个 这些 那些 这样 那样 这里 那里 这么 那么 这种 那种 此外 其中 其他 其它 其余 另 另外
什么 怎么 怎样 如何 为什么 哪 哪个 哪些 哪里 谁 几 多少 是否
是 为 有 无 在 被 把 将 让 使 给 对 向 往 从 自 由 到 至 跟 同 比 按 按照 根据 通过 经过 关于 对于 至于
由于
作为 随着 除了 除 以及 以便 为了 因为 因此 因而 所以 于是 从而 进而 然而 但是 可是 不过 而且 并且 并
而是 还是 或者
如果 假如 只要 只有 除非 无论 不论 不管 尽管 虽然 即使 既 既然 否则 不仅 不但
不 没 没有 未 非 不是 不会 不能 不要 会 能 能够 可以 可 可能 应 应该 应当 必须 须 需 需要 要 想
也 都 还 又 再 就 才 只 仅 仅仅 很 太 最 更 更加 较 比较 十分 非常 相当 极 极其 尤其 几乎 大约 约
已 已经 曾 曾经 正 正在 一直 通常 往往 经常 总是 仍 仍然 甚至 反而 其实 当然 一定 也许 似乎 例如 比如 等
等等
之间 之后 之前 以后 以前 时 时候 当 一 一个 一些 一种 个 些 种 上 下 中 里 内 后 前 来 去 说 然后 首先
其次 最后 却 便
"""

_ENGLISH = """
a an the this that these those such
i me my myself we us our ours ourselves you your yours yourself he him his himself she her hers herself
it its itself they them their theirs themselves one who whom whose which what whatever
anyone anything everyone everything nobody nothing someone something none
and or but nor so yet if then else than because since unless until while whereas whether though although
as
of in on at by for with without within from to into onto upon over under above below between among
across through
during before after against about around along behind beside besides beyond despite except off out per
toward towards via
up down again further once here there where when why how whenever however therefore thus hence moreover
am is are was were be been being do does did doing done have has had having
can could may might must shall should will would ought cannot can't couldn't won't wouldn't shouldn't
don't doesn't didn't isn't aren't wasn't weren't hasn't haven't hadn't i'm i've i'll i'd you're we're
they're
not no yes also too very just only even still already never always ever often rather almost
all any both each either neither every few many much more most less least several some other others
another own same
"""

STOP_WORDS: frozenset[str] = frozenset(_CHINESE.split()) | frozenset(_ENGLISH.split())
"""All stop words, normalized."""
