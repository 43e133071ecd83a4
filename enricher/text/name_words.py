"""Word lists that decide whether a number is part of a name, or a count, a reference or a date."""

_UNITS = """
nm mm cm dm km um μm in ft yd mi mg kg ug μg ng pg lb lbs oz ml dl ul μl cc ms us ns ps sec secs min
mins hr hrs hz khz mhz ghz thz kb mb gb tb pb kib mib gib kbps mbps gbps kbit mbit gbit bit bits byte
bytes px pt dpi fps rpm ev kev mev gev kv mv ma mah kw mw gw kwh va kva pa kpa mpa gpa bar torr psi db
dbm mol mmol μmol umol nmol nm iu cal kcal kj mj gy sv ppm ppb wt vol rad deg usd eur rmb cny am pm
"""

_COUNTED = """
m g l s h v w a k c f n j percent million billion thousand hundred dozen times fold second seconds
minute minutes hour hours day days week weeks month months year years decade decades metre metres meter
meters micron microns inch inches feet foot mile miles gram grams pound pounds dollar dollars euro euros
people persons patients participants subjects samples respondents women men children adults students
items cases pages degrees volts
"""

_REFERENCES = """
page pages pp p table tables tab figure figures fig figs chapter chapters chap section sections sec sect
part parts step steps equation equations eq eqs eqn line lines row rows column columns item items number
numbers nr num no nos vol volume volumes issue issues ref refs reference references appendix annex note
notes footnote example examples case cases question questions exercise problem lemma theorem definition
proposition corollary rule remark algorithm listing slide version versions ver v release rev revision
edition ed article articles clause paragraph paragraphs para point points group groups experiment
experiments study studies range degree sub sup patient patients sample samples subject subjects total
size length width height depth weight age aged ages score scores value values mean median average sum
count counts min max minimum maximum n id ids level levels rank top year years day days week weeks month
months hour hours minute minutes date dated time times round season episode lesson unit units room floor
street box port tel phone fax approximately approx nearly almost around roughly circa ca exactly
additional another first last next past previous since until till late early mid per cent plus minus
equal equals least most copyright isbn issn doi january february march april may june july august
september october november december jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday
wednesday thursday friday saturday sunday spring summer autumn winter fall usd eur rmb gbp jpy
"""

_PREFIXES = """
pre post non sub anti mid semi multi inter intra over under top up
"""

_SUFFIXES = """
js ts net io ai py md txt csv tsv xml json jsonl html htm css yml yaml toml ini cfg conf exe dll jar pdf
docx xls xlsx ppt pptx sh sql php rb rs cpp java ipynb zip tar gz png jpg jpeg gif svg mp3 mp4 com org
cn
"""

_HAN_REFERENCES = """
图 表 第 附件 附录 附图 附表 步骤 章 节 条 款 式 公式 例 问题 案例 题 页 卷 期 图表 方法 实验 组 阶段
版本 编号 序号 排名 年龄 平均 约 共 近 达 超 超过 达到 约为 共计 合计 大约 至少 至多 最多 不足 不到 仅
为 每 至 到 从 等于 大于 小于 高于 低于 增加 减少 增长 下降 提高 降低 新增 累计 另外 其他 前 后 上 下 年
月 日 号 电话 邮编 样本 患者 病例 得分 分数 人数 总数 数量 长度 宽度 高度 温度 价格 时间 日期 公元 版
式样 参考文献 文献 注 注释 任务 习题 练习 课 单元
"""

_LONG_HAN_UNITS = """
个月 小时 分钟 万元 亿元 万人 公里 千米 厘米 毫米 微米 纳米 毫克 千克 公斤 毫升 公顷 平方米 立方米
平方公里 美元 年度 月份
"""

UNITS = frozenset(_UNITS.split())
"""Abbreviated units. A number before one is a quantity."""

COUNTED = frozenset(_COUNTED.split())
"""Other words after a count, including one-letter units."""

REFERENCES = frozenset(_REFERENCES.split())
"""Words before a number that is not part of a name: references in a text, dates, measures, adverbs."""

PREFIXES = frozenset(_PREFIXES.split())
"""Prefixes: with a hyphen they form a word, not a name."""

SUFFIXES = frozenset(_SUFFIXES.split())
"""Words after the dot in a name, such as `node.js`."""

HAN_REFERENCES = frozenset(_HAN_REFERENCES.split())
"""Chinese words before a number that is not part of a name."""

HAN_UNITS = (
    "个年月日号岁人元万亿千百倍次例种条页章节米克吨家名位台件度级天时分秒周届期项款只支把张座栋辆艘架"
    "匹层组套部集篇首幅回场轮代核多余来左右至到厘毫公升斤两吋寸英尺里亩平立美欧港"
)
"""Characters after a count in Chinese."""

LONG_HAN_UNITS = frozenset(_LONG_HAN_UNITS.split())
"""Words after a count in Chinese."""
