import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { hasApt, installPackages, mayInstall, updatePackageLists } from './apt.ts'

/**
 * The shell has no windows and none of the pages that belong to them: a context with a page takes 0.7 s of CPU time, and 4.6 s in a whole
 * browser.
 */
const SHELL = 'chromium-headless-shell'
const NAMES = [SHELL, 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const ON_MACOS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const BY_APT = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${SHELL}`
const BY_HOMEBREW = 'brew install --cask chromium'

/**
 * Nothing but the page under test: no sandbox (there is none as root in a container), no graphics card but one of software
 * (the map of /live is drawn by WebGL), no calls home.
 */
const FLAGS = [
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** How long installing a browser may take: some 100 MB on a slow line, in milliseconds. */
export const INSTALL_TIMEOUT_MS = 600_000

/**
 * The Chromium of `CHROMIUM_PATH` or of this machine; on a Debian-like one, as root, it is installed where missing.
 *
 * @param say gets plain lines before anything is installed.
 * @throws Error with the command that installs it; its cause is what went wrong here, when that was tried.
 */
export async function findChromium(say: (line: string) => void): Promise<string> {
  const found = await findInstalled()
  if (found) return found
  const isChosen = Boolean(process.env.CHROMIUM_PATH)
  const cause =
    !isChosen && (await mayInstall()) ? await installWithApt(say).catch((error: Error) => error) : undefined
  const installed = await findInstalled()
  if (installed) return installed
  throw new Error(
    'The tests of the page at /live need Chromium, and there is none here.\n' +
      `Install it:\n  ${(await hasApt()) ? BY_APT : BY_HOMEBREW}\n` +
      'or set CHROMIUM_PATH to the program.',
    { cause },
  )
}

async function findInstalled(): Promise<string | undefined> {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)].filter(Boolean)
  const { CHROMIUM_PATH } = process.env
  const candidates = CHROMIUM_PATH
    ? [CHROMIUM_PATH]
    : [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...ON_MACOS]
  for (const path of candidates) {
    const isProgram = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isProgram) return path
  }
  return undefined
}

async function installWithApt(say: (line: string) => void): Promise<void> {
  say('No Chromium on this machine: installing it with apt-get. This takes a minute or two.')
  await updatePackageLists(say)
  // Not every Debian-like system has it by itself.
  await installPackages([SHELL], say).catch(() => installPackages(['chromium'], say))
}

/** A headless browser. The caller closes it. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await findChromium((line) => console.log(line))
  return chromium.launch({ executablePath, args: FLAGS })
}

export interface WatchedPage {
  page: Page
  /** What a page that works never has: errors on the console, exceptions, refused loads. */
  readonly complaints: string[]
  /** The hosts, with port, that the page asked for anything, by HTTP or by websocket. */
  readonly hosts: ReadonlySet<string>
  close(): Promise<void>
}

/** A page in a context of its own (storage, permissions), watched from before its first request. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Amsterdam', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  const hosts = new Set<string>()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error.stack)))
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  page.on('websocket', (socket) => hosts.add(new URL(socket.url()).host))
  return { page, complaints, hosts, close: () => context.close() }
}
