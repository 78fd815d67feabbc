/**
 * Which language a text is in: by its writing system, and where several languages share one, by their commonest words
 * and by letters that only some of them have. Meant for whole answers; single words cannot be told apart.
 */
import { isLetter } from './characters.ts';
import { isKana, isOfScript } from './scripts.ts';

/** Only so much of a text is looked at, in UTF-16 units. */
const LOOKED_AT = 20_000;

/** Common words of languages in Latin letters; those after the first ten only keep others from being taken for them. */
const latin: Readonly<Record<string, string>> = {
  en: 'the of and to in is that for it with as was on are be this by at from or have an they which you your were their has will can not but his her she he we i my our been would there what if more when about so up out do all who how its into than them then no these also over after before between under through where while only other some such many much most very just like make made time people new could should may must each those because see get use used first two way well even any us does did being same both without within during here how ever never',
  es: 'de la que el en y los se del las un por con no una su para es al lo como más pero sus le ya o este sí porque esta entre cuando muy sin sobre también hasta hay donde quien desde todo nos durante ella son está eso qué yo mi tu',
  pt: 'de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem você são',
  fr: 'de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la avec son mais comme ou si leur nous vous elle cette ses être fait aux je on tout y même votre notre ces ont était entre sans aussi peut très',
  de: 'der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wir ich kann ihre',
  it: 'di e il la che in un a per è una sono non con del le si da come i dei nel alla più lo ha gli al anche ma della o delle nella su questo se ci dal era essere tra sua suo quando io hanno cui mi loro ogni molto dopo questa tutto tutti cosa chi',
  pl: 'i w na z do nie się że to jest o jak ale po co za od przez dla czy jego tak już tylko być był oraz które który może przy są ich ma jej gdy także bardzo tym tego lub kiedy było przed można ten ta te jako nad bez więc',
  vi: 'và của là có trong được cho không một các người với những này khi đã để đến từ cũng như về ra tôi bạn nhưng năm nhiều trên phải sẽ nó rất đó vào hay chúng làm nếu lại còn thì theo tại hoặc vì mà',
  sw: 'na ya wa kwa ni za katika la cha kuwa hii au yake yao ambao ambayo hivyo pia lakini kama ili watu kila moja sana zaidi baada wake huu hizi vya mtu yangu wewe mimi sisi hiyo wakati bila kutoka kwamba hapa kuna yetu ana kupitia si',
  fi: 'ja on ei että se hän oli mutta kun niin kuin myös ovat tai joka sekä sen jos mitä vain voi olla ole hänen minä sinä me te he tämä nyt jo siitä mukaan ennen sitten kaikki hyvin koko olen olemme sinun minun jotka mikä',
  nl: 'de het een en van is dat op te zijn met voor niet aan er om ook als bij naar maar uit nog worden door over dan zij hij wat je ik deze werd heeft hebben kan wordt geen meer',
  sv: 'och att det som en på är av för med till den har de inte om ett han men var jag från så kan vid nu eller sig hon vi man efter ska när',
  tr: 've bir bu için ile da de çok gibi olarak daha ne ben sen o kadar sonra olan var değil mi ama en ya her şey',
  ro: 'și de la în cu pe a o nu este să mai din care un pentru sunt prin ce fi dar ca era după sau fost între',
  id: 'yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena tersebut bisa ada mereka lebih kata tahun sudah atau saat oleh anda kita',
};
const cyrillic: Readonly<Record<string, string>> = {
  ru: 'и в не на я что он с как это по но они мы вы она так его к из у за от же то бы все если когда только или для был быть есть уже чтобы также который которые этот их было может',
  uk: 'і в не на я що він з як це по але вони ми ви вона так його до із у за від ж то б всі якщо коли тільки або для був бути є вже щоб також який які цей їх було може та ще',
  bg: 'и в не на аз че той с как това по но те ние вие тя така него към от за до си се да ще е са или който които този тази бе беше може след също като има през',
};
const arabic: Readonly<Record<string, string>> = {
  ar: 'في من على إلى أن هذا التي الذي مع عن كان ما لا هو هي هذه أو ذلك كل لم قد كما بعد بين',
  fa: 'و در به از که این را با است برای آن یک می خود تا کرد بر هم نیز شده ما او بود های است‌ شما آنها',
  ur: 'کے میں کی ہے اور سے کا کو اس پر نے کہ یہ ہیں ایک بھی کر تھا ہو گیا جو لیے آپ ان ہم وہ',
};
const devanagari: Readonly<Record<string, string>> = {
  hi: 'के में है की से और का को हैं पर एक यह कि ने इस भी नहीं हो तो ही कर था लिए जो वह या साथ अपने आप हम मैं गया',
  mr: 'आहे आणि या हे ते तर मी नाही एक होते ही आहेत च्या तो की मध्ये साठी पण त्या होता हा करा तुम्ही माझ्या आपल्या त्यांच्या केले कसे म्हणून किंवा',
  ne: 'छ र को मा छन् यो पनि गर्न हो ले लाई भने थियो एक हुन्छ गरेको म उनी हामी तपाईं त्यो यस तर गर्ने भएको छैन का की',
};

/** Letters that only some languages of a group have; each counts like a common word. */
const letters: Readonly<Record<string, RegExp>> = {
  es: /[ñ¿¡]/g,
  pt: /[ãõ]/g,
  fr: /[œêûîëï]/g,
  de: /[ßäöü]/g,
  pl: /[ąęłńśźż]/g,
  vi: /[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/g,
  fi: /[äö](?=[äö])|yy|[äö]n\b/g,
  sv: /å/g,
  tr: /[ğış]/g,
  ro: /[ășț]/g,
  ru: /[ыэё]/g,
  uk: /[іїєґ]/g,
  bg: /ъ(?=[а-я])/g,
  fa: /[پچگژ]/g,
  ur: /[ٹڈڑےہں]/g,
  ar: /[ةىأإ]/g,
  mr: /[ळ]/g,
};

/** Writing systems that one of the languages here has to itself: first and last code point. */
const alone: readonly (readonly [string, number, number])[] = [
  ['he', 0x590, 0x5ff],
  ['bn', 0x980, 0x9ff],
  ['pa', 0xa00, 0xa7f],
  ['gu', 0xa80, 0xaff],
  ['ta', 0xb80, 0xbff],
  ['te', 0xc00, 0xc7f],
  ['kn', 0xc80, 0xcff],
  ['ml', 0xd00, 0xd7f],
  ['th', 0xe00, 0xe7f],
  ['ko', 0x1100, 0x11ff],
  ['ko', 0xac00, 0xd7ff],
];

type Group = 'Latin' | 'Cyrillic' | 'Arabic' | 'Devanagari';
const groups: Readonly<Record<Group, Readonly<Record<string, string>>>> = {
  Latin: latin,
  Cyrillic: cyrillic,
  Arabic: arabic,
  Devanagari: devanagari,
};

let wordTables: ReadonlyMap<Group, ReadonlyMap<string, readonly string[]>> | null = null;

/** For each group, the languages that a common word belongs to. */
function tables(): ReadonlyMap<Group, ReadonlyMap<string, readonly string[]>> {
  wordTables ??= new Map(
    (Object.keys(groups) as Group[]).map((group) => {
      const table = new Map<string, string[]>();
      for (const [language, words] of Object.entries(groups[group])) {
        for (const word of new Set(words.split(' '))) {
          const list = table.get(word);
          if (list === undefined) table.set(word, [language]);
          else list.push(language);
        }
      }
      return [group, table] as const;
    }),
  );
  return wordTables;
}

/** What of a text is letters, by writing system: the group or the language that has most of them. */
function commonest(text: string): string | null {
  const counts = new Map<string, number>();
  let kana = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) i += 1;
    const name = scriptName(code);
    if (name === null) continue;
    if (isKana(code)) kana += 1;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  let best: string | null = null;
  for (const [name, count] of counts) if (best === null || count > (counts.get(best) ?? 0)) best = name;
  if (best === 'Han') return kana > 0 ? 'ja' : 'zh';
  return best;
}

function scriptName(code: number): string | null {
  if (code < 0x80) return isLetter(code) ? 'Latin' : null;
  for (const [language, first, last] of alone) if (code >= first && code <= last) return language;
  for (const group of ['Latin', 'Cyrillic', 'Arabic', 'Devanagari'] as const)
    if (isOfScript(code, group)) return group;
  if (isKana(code) || isOfScript(code, 'Han')) return 'Han';
  return isLetter(code) ? 'other' : null;
}

/** What one word of this language alone, or several that it shares with others, must give. */
const leastEvidence = 0.5;

/** What is known of a text's language; `null` where nothing tells. */
export interface FoundLanguage {
  /** ISO 639-1 code, or null. */
  readonly language: string | null;
  /** Words that were looked at. */
  readonly words: number;
}

/** The language that a text most looks like. */
export function findLanguage(text: string): FoundLanguage {
  const looked = text.slice(0, LOOKED_AT).toLowerCase();
  const kind = commonest(looked);
  const words = looked.match(/[\p{L}\p{M}\u200c]+/gu) ?? [];
  if (kind === null || !Object.hasOwn(groups, kind))
    return { language: kind === 'other' ? null : kind, words: words.length };
  const group = kind as Group;
  const table = tables().get(group);
  const scores = new Map<string, number>();
  const add = (language: string, amount: number): void => {
    scores.set(language, (scores.get(language) ?? 0) + amount);
  };
  for (const word of words) {
    const languages = table?.get(word);
    // A word of many languages says less.
    if (languages !== undefined) for (const language of languages) add(language, 1 / languages.length);
  }
  for (const language of Object.keys(groups[group])) {
    const found = letters[language] === undefined ? 0 : (looked.match(letters[language])?.length ?? 0);
    if (found > 0) add(language, Math.min(found, words.length) / 2);
  }
  let best: string | null = null;
  for (const [language, score] of scores)
    if (score >= leastEvidence && (best === null || score > (scores.get(best) ?? 0))) best = language;
  return { language: best, words: words.length };
}

/** Shorter texts without a single common word may be in any language of their script. */
const TOO_SHORT = 10;

/** Whether a text is in a language; a text without letters, or too short to tell, is taken to be. */
export function isInLanguage(text: string, language: string): boolean {
  const found = findLanguage(text);
  if (found.language !== null) return found.language === language;
  return found.words < TOO_SHORT;
}
