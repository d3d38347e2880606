import type { WriteStream } from 'node:tty'

export interface Progress {
  /** A line that stays. */
  say(line: string): void
  /** A line of a longer piece of work: on a terminal only the last one stays. */
  step(line: string): void
  begin(nth: number, count: number, name: string): void
  end(): void
}

const BAR_WIDTH = 24

/** A bar on a terminal, lines elsewhere. */
export function createProgress(output: Pick<WriteStream, 'write' | 'isTTY'>): Progress {
  const terminal = output.isTTY === true
  let bar = ''
  const draw = (text: string): void => {
    bar = text
    output.write(`\r\x1b[K${text}`)
  }
  const say = (line: string): void => {
    output.write(terminal ? `\r\x1b[K${line}\n${bar}` : `${line}\n`)
  }
  return {
    say,
    step: (line) => (terminal ? draw(line) : say(line)),
    begin(nth, count, name) {
      const done = Math.round((BAR_WIDTH * nth) / count)
      const text = `[${'█'.repeat(done)}${'·'.repeat(BAR_WIDTH - done)}] ${nth + 1}/${count} ${name}`
      if (terminal) draw(text)
      else say(text)
    },
    end() {
      if (terminal) draw('')
    },
  }
}
