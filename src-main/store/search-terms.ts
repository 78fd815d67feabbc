/**
 * What a person types into the search box, as terms that are safe to hand to SQLite. Words match the
 * start of a word, numbers a whole number, "quoted text" exactly; all terms must occur. Text that the
 * index cannot cut into words (signs, emoji, Chinese) is looked for as it stands.
 */

export type SearchTerm =
  /** `match` is the right-hand side of an FTS5 column filter. */
  | { readonly kind: 'index'; readonly match: string }
  /** `like` is a LIKE pattern with the escape character backslash. */
  | { readonly kind: 'scan'; readonly like: string };

/** Longer searches are cut: nobody types them, and each term costs one look-up. */
const longestSearch = 1_000;
const mostTerms = 16;

const letterOrDigit = /[\p{L}\p{N}]/u;
/** Scripts without spaces between words, marks, and signs outside the basic plane: not cut by the index as people expect. */
const needsScan =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{M}\p{Extended_Pictographic}\u{10000}-\u{10ffff}]/u;

/** Cuts a search into its terms; an empty list means that everything matches. Never throws. */
export function searchTerms(search: string): SearchTerm[] {
  // Control characters (NUL ends an FTS5 expression early) separate words; lone surrogates become U+FFFD.
  const text = search
    .slice(0, longestSearch)
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ');
  const terms: SearchTerm[] = [];
  for (const [, quoted, word] of text.matchAll(/"([^"]*)"?|([^\s"]+)/gu)) {
    const content = (quoted ?? word ?? '').trim();
    if (content === '' || terms.length >= mostTerms) continue;
    terms.push(toTerm(content, quoted !== undefined));
  }
  return terms;
}

function toTerm(content: string, exact: boolean): SearchTerm {
  // The index ignores signs, so "-5" would find every 5: a term that starts or ends with a sign is scanned as well.
  const plain = letterOrDigit.test(content) && !needsScan.test(content.normalize('NFC'));
  const signsMatter = /[^\p{L}\p{N}\s]/u.test(content);
  if (!plain || signsMatter) return { kind: 'scan', like: `%${content.replace(/[\\%_]/g, '\\$&')}%` };
  const prefix = !exact && !/^\p{N}+$/u.test(content);
  return { kind: 'index', match: `"${content.replaceAll('"', '""')}"${prefix ? ' *' : ''}` };
}
