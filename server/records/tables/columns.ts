import type { ColumnType } from 'kysely'

/** A jsonb column: read as T, written as JSON text made by `json()` (a bare array would become a PostgreSQL array). */
export type Json<T> = ColumnType<T, string, string>
export type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>
/** jsonb with a default: may be left out on insert. */
export type DefaultJson<T> = ColumnType<T, string | undefined, string>
