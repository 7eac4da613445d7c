import type { Parameters } from '../postgres/parameters.ts';
import { fieldInvalid } from './field-invalid.ts';
import type { Order, OrderField, PageCursor } from './page.ts';

interface Key {
  readonly column: string;
  readonly type: string;
  readonly descending: boolean;
}

const TYPES: Readonly<Record<OrderField, string>> = {
  create_time: 'timestamptz',
  update_time: 'timestamptz',
  size_bytes: 'bigint',
  display_name: 'text',
};

/** The order with the id last, as `order by` wants it. For one field it is exactly that field's index, either way. */
export function orderBySql(order: Order): string {
  return keysOf(order)
    .map(({ column, descending }) => `${column} ${descending ? 'desc' : 'asc'}`)
    .join(', ');
}

/** The condition for what comes after the cursor in this order. Throws FIELD_INVALID for a cursor of another order. */
export function afterSql(order: Order, cursor: PageCursor, parameters: Parameters): string {
  if (cursor.values.length !== order.length) throw fieldInvalid('page_token', 'belongs to another order');
  const keys = keysOf(order);
  const values = [...cursor.values, cursor.id].map((value, i) => {
    const type = (keys[i] as Key).type;
    const given = type === 'timestamptz' ? new Date(value).toISOString() : value;
    return parameters.add(given, type);
  });
  const descending = keys.filter((key) => key.descending).length;
  if (descending === 0 || descending === keys.length) {
    const columns = keys.map((key) => key.column).join(', ');
    return `(${columns}) ${descending === 0 ? '>' : '<'} (${values.join(', ')})`;
  }
  return mixedSql(keys, values);
}

function keysOf(order: Order): Key[] {
  const keys = order.map(({ field, descending }) => ({
    column: `files.${field}`,
    type: TYPES[field],
    descending,
  }));
  return [...keys, { column: 'files.file_id', type: 'text', descending: order.at(-1)?.descending ?? false }];
}

/** Rows cannot be compared as a whole where directions differ: `a < 1 or (a = 1 and (b > 2 or (b = 2 and id > 3)))`. */
function mixedSql(keys: readonly Key[], values: readonly string[]): string {
  const condition = keys.reduceRight((rest, { column, descending }, i) => {
    const beyond = `${column} ${descending ? '<' : '>'} ${values[i]}`;
    return rest === '' ? beyond : `(${beyond} or (${column} = ${values[i]} and ${rest}))`;
  }, '');
  // Says again what the first field may be, in the form that its index can use.
  const [first] = keys;
  return `(${first?.column} ${first?.descending ? '<=' : '>='} ${values[0]} and ${condition})`;
}
