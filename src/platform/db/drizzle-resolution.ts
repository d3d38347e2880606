import { registerHooks } from 'node:module'

const WITHIN_DRIZZLE = /\/node_modules\/drizzle-orm\/[^?#]*\.js$/
const RELATIVE_MODULE = /^\.\.?\/.*\.js$/

/**
 * Resolves the imports among Drizzle's own modules without Node's help; to be called before the first of them is loaded.
 *
 * For each relative import of a `.js` file, to learn whether it is an ES module, Node takes the package's description and parses
 * all of its `exports` again: 179 kB in Drizzle's case, a hundred times (Node 24.21). That is 0.35 s of a start, and 0.03 s so.
 */
export function resolveDrizzleQuickly(): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const { parentURL } = context
      if (parentURL && WITHIN_DRIZZLE.test(parentURL) && RELATIVE_MODULE.test(specifier)) {
        return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true }
      }
      return nextResolve(specifier, context)
    },
  })
}
