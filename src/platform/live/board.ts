/** What the shell says of a board, in plain words: `page/index.html` has a place for each. */
export interface BoardWords {
  /** One thing in its list, such as `Shift`: the heading of a column, and of the details. */
  readonly item: string
  readonly items: string
  /** Names the filters. */
  readonly which: string
  /** Names the filters that are folded. */
  readonly choices: string
  /** What a search looks in. */
  readonly search: string
  readonly every_site: string
  /** Heads the last column. */
  readonly seen: string
  /** Somebody of the demo who sees it. */
  readonly somebody: string
}

/**
 * What a module shows at /live, in the shell that the platform gives: `page/shell.js` says what its first script has to hand over.
 * Beside the scripts are `board.css` and the parts of the page that are its own.
 */
export interface LiveBoard {
  readonly folder: URL
  /** The names of its scripts, without `.js`; the first starts the page. */
  readonly scripts: readonly string[]
  /** Files, without `.html`: `marks` are symbols for states, `choices` more filters. */
  readonly parts: readonly BoardPart[]
  readonly words: BoardWords
}

/** What the page has to know of a module that has a board. */
export interface BoardModule {
  /** The page of its board is at /live/ and this name. */
  readonly name: string
  /** Whose board it is. */
  readonly roles: Readonly<Record<string, unknown>>
  readonly board: LiveBoard
}

export const BOARD_PARTS = ['marks', 'choices'] as const
export type BoardPart = (typeof BOARD_PARTS)[number]
