import type { Struct, Struct__Output } from '../gen/google/protobuf/Struct.ts';
import type { Value, Value__Output } from '../gen/google/protobuf/Value.ts';

/** A JSON object as `google.protobuf.Struct`. */
export function toStruct(object: Record<string, unknown>): Struct {
  return { fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, toValue(value)])) };
}

/** A `google.protobuf.Struct` as a JSON object. */
export function fromStruct(struct: Struct__Output): Record<string, unknown> {
  return Object.fromEntries(Object.entries(struct.fields).map(([key, value]) => [key, fromValue(value)]));
}

function toValue(value: unknown): Value {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(toValue) } };
  if (typeof value === 'object' && value !== null) {
    return { structValue: toStruct(Object.fromEntries(Object.entries(value))) };
  }
  return { nullValue: 'NULL_VALUE' };
}

function fromValue(value: Value__Output): unknown {
  if (value.kind === 'stringValue') return value.stringValue;
  if (value.kind === 'numberValue') return value.numberValue;
  if (value.kind === 'boolValue') return value.boolValue;
  if (value.kind === 'listValue') return (value.listValue?.values ?? []).map(fromValue);
  if (value.kind === 'structValue' && value.structValue) return fromStruct(value.structValue);
  return null;
}
