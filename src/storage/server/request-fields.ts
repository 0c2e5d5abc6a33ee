/** Fields of a request, checked. All throw WireError naming the field. */
import { WireError } from '../../peers/wire.ts';

export type Fields = { readonly [field: string]: unknown };

export function text(request: Fields, field: string): string {
  const value = request[field];
  if (typeof value !== 'string') throw wrong(field);
  return value;
}

export function count(request: Fields, field: string): number {
  const value = request[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(field);
  return value;
}

export function object(request: Fields, field: string): Fields {
  const value = request[field];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field);
  return value as Fields;
}

export function wrong(field: string): WireError {
  return new WireError(`the request's ${field} is missing or malformed`);
}
