/*
 * What people choose when a form asks for "letters and digits": a well-known word with well-known digits, or a walk
 * over the keyboard. Words and digits are multiplied by rule rather than written out, so these few lines stand for
 * some hundred thousand passwords.
 */

const words = new Set(
  `password passwd passw0rd pass pwd parola passwort secret geheim login letmein welcome hello default changeme change
  admin administrator root user guest test tester testing demo temp master manager owner system server oracle mysql
  postgres redis cisco ubuntu linux windows apple google microsoft amazon facebook twitter taobao alipay wechat weixin
  tencent baidu huawei xiaomi douyin banyan chatgpt openai
  qwerty qwert qwer qwe qweasd qwertyuiop asdfgh asdfghjkl asdfg asdf asd zxcvbnm zxcvbn zxcvb zxcv zxc qaz qazwsx wsx
  edc abc abcd abcde abcdef abcdefg abcdefgh abcabc aaa aaaa aaaaaa aa a b q w x z as aq qq qqq www xxx zzz zz ab
  iloveyou iloveu loveyou lovely love lover forever woaini woaiwo aini aiwo wodemima mima nihao zhongguo china beijing
  shanghai shenzhen guangzhou hangzhou chengdu wangwei zhangwei liwei wangfang lina zhang wang li liu chen yang zhao
  huang zhou wu xu sun hu zhu gao lin he guo ma luo baobao baobei laopo laogong mama baba qinai xiaoming tiantian
  monkey dragon tiger lion panda kitty kitten puppy bear eagle shadow sunshine summer winter spring autumn flower
  rainbow football soccer baseball basketball hockey michael jordan jessica jennifer ashley daniel thomas robert
  charlie andrew joshua matthew william samuel george maggie pepper ginger cookie chocolate cheese banana orange
  princess queen king angel superman batman spiderman pokemon pikachu naruto starwars matrix hunter killer ranger
  trustno trustme access freedom whatever nothing computer internet samsung iphone android mustang ferrari mercedes
  porsche corvette harley yamaha liverpool chelsea arsenal barcelona realmadrid juventus family friend friends
  monday friday january june july august september october november december player gamer game games minecraft fortnite
  blink purple yellow silver golden diamond crystal lucky happy smile peace jesus christ heaven blessed
  mypassword mypass newpass newpassword pass word azerty bonjour motdepasse contrasena senha`.split(/\s+/),
)

const luckyDigits = new Set(
  `520 521 1314 5201314 5211314 1314520 1314521 666 888 999 168 518 588 618 668 678 688 886 688688 168168 007 110 119
  120 911 314 147 258 369 147258 147258369 159 357 159357 159753 741852 963852 789456 456789 123321 1230 12300
  112233 11223344 1122 121212 131313 101010 010203 102030 123789 789 456 69 77 88 99 13 21 22 23 24 42 18 007007`.split(
    /\s+/,
  ),
)

const walks = new Set(
  `1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e 1q2w3e4 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 1qaz1qaz zaq12wsx zaq1zaq1 zaq1xsw2
  q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qw12er34 qw12qw12 qwe123qwe qwe123asd qweasd123 qwe123rty456 123qweasd 123qweasdzxc
  12qwaszx 12qw34er 2wsx3edc 3edc4rfv 4rfv5tgb 1a2b3c4d 1a2s3d4f a1b2c3d4 a1b2c3d4e5 a1s2d3f4 a1a2a3a4 z1x2c3v4
  a123b456 abc123abc abc123def 1234abcd5678 123abc456 1234qwerasdf qwer1234asdf asdf1234qwer asd123zxc qaz123wsx
  1111aaaa aaaa1111 a1a1a1a1 1a1a1a1a aa11aa11 aa11bb22 aaa111aaa abab1212 ab12cd34 ab1234cd 12ab34cd 1234567q q1234567
  741852963a 7777777a p0o9i8u7 0okm9ijn 9ol8ik7uj m1n2b3v4 6yhn5tgb 1z2x3c4v wo4ni2baba wo1ai2ni3 5201314ai iloveu2
  trustno1 passw0rd1 g1g1g1g1 ncc1701d r2d2c3po thx1138a s3cr3t123 4dm1n123 h4ck3r123`.split(/\s+/),
)

const upward = '01234567890123456789'
const downward = '98765432109876543210'
const looksLike: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/**
 * True for a password that stands near the top of every guessing list: a common word with common digits before or
 * after it (`Admin@2024`, `woaini520`), twice the same short piece, or a keyboard walk. Case, punctuation and
 * letters written as digits (`P@ssw0rd1`) make no difference.
 */
export function isCommonPassword(password: string): boolean {
  const folded = password.normalize('NFKC').toLowerCase()
  const plain = bare(folded)
  return [plain, bare(unleet(folded))].some(
    text => walks.has(text) || isWordAndDigits(text) || isRepeated(text) || isWordAndDigits(half(text)),
  )
}

const bare = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '')

/** Letters for look-alike digits and signs, but the digits at both ends stay: `p@ssw0rd12` → `password12`. */
function unleet(text: string): string {
  const middle = /^([\d\W_]*)(.*?)([\d\W_]*)$/su.exec(text)
  if (!middle) return text
  const [, head = '', body = '', tail = ''] = middle
  return head + body.replace(/[013457@$!]/g, sign => looksLike[sign] ?? sign) + tail
}

function isWordAndDigits(text: string): boolean {
  const match = /^(\d*)(\D+)(\d*)$/u.exec(text) ?? []
  const [, before = '', word = '', after = ''] = match
  return words.has(word) && (before === '' || areObvious(before)) && (after === '' || areObvious(after))
}

/** Runs (`123`, `4321`), one digit again and again, years, dates of birth in them, and lucky numbers. */
function areObvious(digits: string): boolean {
  return (
    upward.includes(digits) ||
    downward.includes(digits) ||
    /^(\d{1,3})\1*$/.test(digits) ||
    /^(19|20)\d{2}((0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))?$/.test(digits) ||
    luckyDigits.has(digits)
  )
}

/** Few enough pieces that the whole is one short piece written over and over: `ab1ab1ab1`, `1111111a`. */
function isRepeated(text: string): boolean {
  return /^(.{1,3})\1{2,}.?$/u.test(text) || /^.?(.{1,3})\1{2,}$/u.test(text)
}

const half = (text: string) => {
  const middle = text.length / 2
  return text.length % 2 === 0 && text.slice(0, middle) === text.slice(middle) ? text.slice(0, middle) : ''
}
