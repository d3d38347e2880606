/**
 * A row as JSON text per column: `{ id: '9007199254740993', name: '"Jo"', note: 'null' }`. Text, because parsing and
 * printing a number would round it. A column that is not there (`undefined`) is not in the change: an unchanged
 * TOAST value, or a non-key column of a key-only image. Objects have no prototype: a column may be called `__proto__`.
 */
export type RowImage = Record<string, string | undefined>
