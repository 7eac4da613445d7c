import { fieldInvalid } from './field-invalid.ts';
import { literal, restriction, RestrictionError } from './filter-restriction.ts';
import type { LongshoreError } from '../errors.ts';
import type { Comparator, FilterValue } from './filter-restriction.ts';
import type { Filter } from './filter.ts';

const FILTER_BYTES_MAX = 4096;
/** Parentheses within parentheses. */
export const FILTER_DEPTH_MAX = 20;
/** Comparisons and words in all. */
export const FILTER_TERMS_MAX = 100;

/**
 * Reads a filter of AIP-160: `state = ACTIVE AND (labels.env:"prod" OR labels:draft) AND NOT display_name = "*.tmp"`.
 * OR binds tighter than AND, as that rule has it, and two terms side by side are both wanted; a word alone is looked for
 * in the display name. Empty is null: every file. Throws FIELD_INVALID that says where, from 1 (metadata `position`).
 */
export function parseFilter(text: string, field = 'filter'): Filter | null {
  if (text.length > FILTER_BYTES_MAX || Buffer.byteLength(text) > FILTER_BYTES_MAX) {
    throw fieldInvalid(field, `is longer than ${FILTER_BYTES_MAX} bytes`);
  }
  if (text.trim() === '') return null;
  const parser = new FilterParser(text, field);
  return parser.parse();
}

const SPACE = /[ \t\r\n]*/y;
const WORD = /[^ \t\r\n()"'<>=!:,\\]+/y;
const COMPARATOR = /<=|>=|!=|[<>=:]/y;
/** A value without quotes may hold what a time or a type holds: `2026-01-01T00:00:00Z`, `image/*`. */
const BARE_VALUE = /[^ \t\r\n()"',\\]+/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/suy;
const KEYWORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT']);
/** A `*` as itself inside a quoted value, while wildcards are told apart. Control characters are refused beforehand. */
const PLAIN_STAR = '\0';

class FilterParser {
  readonly #text: string;
  readonly #field: string;
  #at = 0;
  #depth = 0;
  #terms = 0;

  constructor(text: string, field: string) {
    this.#text = text;
    this.#field = field;
  }

  parse(): Filter {
    const strange = /[^\P{Cc}\t\r\n]|\p{Cs}/u.exec(this.#text);
    if (strange !== null) throw this.#fault('a control character or half a surrogate pair', strange.index);
    const filter = this.#expression();
    if (this.#at < this.#text.length) throw this.#fault('something that does not belong');
    return filter;
  }

  /** Factors with AND, or nothing, between them. */
  #expression(): Filter {
    const terms = [this.#factor()];
    for (;;) {
      this.#skip(SPACE);
      if (this.#keyword('AND')) terms.push(this.#factor());
      else if (this.#at < this.#text.length && this.#text[this.#at] !== ')') terms.push(this.#factor());
      else break;
    }
    return terms.length === 1 ? (terms[0] as Filter) : { kind: 'and', terms };
  }

  #factor(): Filter {
    const terms = [this.#term()];
    for (;;) {
      this.#skip(SPACE);
      if (!this.#keyword('OR')) break;
      terms.push(this.#term());
    }
    return terms.length === 1 ? (terms[0] as Filter) : { kind: 'or', terms };
  }

  #term(): Filter {
    this.#skip(SPACE);
    if (this.#keyword('NOT')) return { kind: 'not', term: this.#simple() };
    if (this.#text[this.#at] === '-') {
      this.#at += 1;
      return { kind: 'not', term: this.#simple() };
    }
    return this.#simple();
  }

  #simple(): Filter {
    this.#skip(SPACE);
    if (this.#text[this.#at] !== '(') return this.#restriction();
    const opened = this.#at;
    this.#depth += 1;
    if (this.#depth > FILTER_DEPTH_MAX)
      throw this.#fault(`more than ${FILTER_DEPTH_MAX} levels of parentheses`);
    this.#at += 1;
    const inner = this.#expression();
    if (this.#text[this.#at] !== ')') throw this.#fault('a parenthesis that is never closed', opened);
    this.#at += 1;
    this.#depth -= 1;
    return inner;
  }

  #restriction(): Filter {
    const start = this.#at;
    this.#terms += 1;
    if (this.#terms > FILTER_TERMS_MAX) throw this.#fault(`more than ${FILTER_TERMS_MAX} comparisons`);
    const quoted = this.#take(QUOTED);
    const word = quoted === null ? this.#take(WORD) : null;
    if ((quoted === null && word === null) || (word !== null && KEYWORDS.has(word))) {
      throw this.#missing('field or word', start);
    }
    if (word !== null && this.#text[this.#at] === '(') throw this.#fault('a function; there are none', start);
    this.#skip(SPACE);
    const comparator = this.#take(COMPARATOR) as Comparator | null;
    try {
      if (comparator === null) return literal(quoted === null ? bare(word ?? '') : unquoted(quoted));
      if (word === null) throw new RestrictionError('quoted text where a field is needed');
      return restriction(word, comparator, this.#value());
    } catch (error) {
      if (error instanceof RestrictionError) throw this.#fault(error.message, start, error);
      throw error;
    }
  }

  #value(): FilterValue {
    this.#skip(SPACE);
    const start = this.#at;
    const quoted = this.#take(QUOTED);
    if (quoted !== null) return unquoted(quoted);
    const word = this.#take(BARE_VALUE);
    if (word === null || KEYWORDS.has(word)) throw this.#missing('value', start);
    return bare(word);
  }

  #keyword(keyword: string): boolean {
    if (!this.#text.startsWith(keyword, this.#at)) return false;
    const next = this.#text[this.#at + keyword.length];
    if (next !== undefined && !/[ \t\r\n()"']/.test(next)) return false;
    this.#at += keyword.length;
    return true;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern);
  }

  #missing(what: string, at: number): LongshoreError {
    const quote = this.#text[at] === '"' || this.#text[at] === "'";
    return this.#fault(quote ? 'a quote that is never closed' : `no ${what} where one is needed`, at);
  }

  #fault(what: string, at = this.#at, cause?: unknown): LongshoreError {
    const position = String(at + 1);
    return fieldInvalid(this.#field, `has, at character ${position}, ${what}`, { position }, cause);
  }
}

function bare(word: string): FilterValue {
  return withWildcards(word);
}

function unquoted(quoted: string): FilterValue {
  const text = quoted.slice(1, -1).replace(/\\(.)/gsu, (_, escaped: string) => {
    if (escaped === '*') return PLAIN_STAR;
    if (escaped === '"' || escaped === "'" || escaped === '\\') return escaped;
    throw new RestrictionError('a backslash before something other than a quote, a backslash or a "*"');
  });
  return withWildcards(text);
}

function withWildcards(text: string): FilterValue {
  const inner = text.replace(/^\*/, '').replace(/\*$/, '');
  const openStart = text.startsWith('*');
  return {
    text: inner.replaceAll(PLAIN_STAR, '*'),
    openStart,
    // "*" alone is open at both ends.
    openEnd: text.length > 1 ? text.endsWith('*') : openStart,
    innerWildcard: inner.includes('*'),
  };
}
