/**
 * What a module shows at /live, in the shell that the platform gives: `page/shell.js` says what its first script has to hand over.
 * Beside the scripts are the parts of the page: `marks.html`, `detail.html` and `list.html`, with
 * `board.css`.
 */
export interface LiveBoard {
  readonly folder: URL
  /** The names of its scripts, without `.js`; the first starts the page. */
  readonly scripts: readonly string[]
}
