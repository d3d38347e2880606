import fc from 'fast-check'
import type { Source } from '../../scripts/rules/schema-files.ts'

/** An edit of the files of rules, as somebody would make it by hand. */
export interface RuleEdit {
  kind: keyof typeof KINDS
  /** Which of the statements that it fits. */
  pick: number
}

const HANDS = ['authenticated', 'service_role', 'muster_definer', 'anon']
const TABLES = ['public.shifts', 'public.locations', 'public.notifications', 'public.certificates']

const chosen = <T>(list: readonly T[], pick: number): T => list[pick % list.length]!

/** Changes or removes one of the statements that `fits`; the statements as they are where none does. */
function edit(
  rules: readonly Source[],
  pick: number,
  fits: (bare: string) => boolean,
  change: (text: string) => string | undefined,
): Source[] {
  const fitting = rules.filter(({ line, bare }) => line > 0 && fits(bare))
  if (fitting.length === 0) return [...rules]
  const one = chosen(fitting, pick)
  const text = change(one.text)
  return rules.flatMap((rule) =>
    rule !== one ? [rule] : text === undefined ? [] : [{ ...rule, text, bare: text }],
  )
}

/** Unlike any that was added before. */
const nextName = (rules: readonly Source[]): string => {
  const numbers = rules.flatMap(({ bare }) =>
    [...bare.matchAll(/\badded_(\d+)/g)].map(([, number]) => Number(number)),
  )
  return `added_${Math.max(0, ...numbers) + 1}`
}

function add(rules: readonly Source[], ...texts: string[]): Source[] {
  // As if one wrote them into a file of one's own.
  const from = rules.length
  const added = texts.map((text, index) => ({
    text,
    bare: text,
    file: 'added.sql',
    line: from + index + 1,
    position: 0,
  }))
  return [...rules, ...added].map((rule, position) => ({ ...rule, position }))
}

/** Policies and triggers are named once, functions by their arguments: what bears the name goes, or only its comment. */
const removePolicy = (rules: readonly Source[], pick: number): Source[] => {
  const policies = rules.filter(({ bare }) => /^create policy/.test(bare))
  const [, name = ''] = /^create policy (\w+ on [\w.]+)/.exec(chosen(policies, pick).bare) ?? []
  return rules.filter(({ bare }) => !bare.includes(`policy ${name}`))
}

const KINDS = {
  changeFunction: (rules: readonly Source[], pick: number) =>
    edit(
      rules,
      pick,
      (bare) => /^create or replace function[\s\S]*as \$\$\n/.test(bare),
      (text) => text.replace('as $$\n', (found) => `${found}-- ${pick}\n`),
    ),
  changeVolatility: (rules: readonly Source[], pick: number) =>
    edit(
      rules,
      pick,
      (bare) => /^create or replace function[^$]*\nstable\n/.test(bare),
      (text) => text.replace('\nstable\n', '\nvolatile\n'),
    ),
  changePolicy: (rules: readonly Source[], pick: number) =>
    edit(
      rules,
      pick,
      (bare) => /^create policy/.test(bare),
      (text) =>
        text.replace(/(using|with check) \(/, `$1 (${pick % 2 ? 'true' : 'current_user is not null'} and `),
    ),
  changeTrigger: (rules: readonly Source[], pick: number) =>
    edit(
      rules,
      pick,
      (bare) => /^create or replace trigger[\s\S]* before insert or update on/.test(bare),
      (text) => text.replace('before insert or update on', 'before insert on'),
    ),
  changeComment: (rules: readonly Source[], pick: number) =>
    edit(
      rules,
      pick,
      (bare) => /^comment on (?!schema)/.test(bare),
      (text) => text.replace(/';$/, ` It''s ${pick}.';`),
    ),
  removePolicy,
  removeTrigger(rules: readonly Source[], pick: number) {
    // One that another statement switches on could not go alone.
    const needed = rules.flatMap(({ bare }) => /enable always trigger (\w+)/.exec(bare)?.[1] ?? [])
    return edit(
      rules,
      pick,
      (bare) => {
        const name = /^create or replace trigger (\w+)/.exec(bare)?.[1]
        return name !== undefined && !needed.includes(name)
      },
      () => undefined,
    )
  },
  removeComment: (rules: readonly Source[], pick: number) =>
    edit(
      rules,
      pick,
      (bare) => /^comment on (?!schema)/.test(bare),
      () => undefined,
    ),
  removeGrant: (rules: readonly Source[], pick: number) =>
    edit(
      rules,
      pick,
      (bare) => /^grant (?:execute|select|insert|update|delete)/.test(bare),
      () => undefined,
    ),
  removeFunction: (rules: readonly Source[]) =>
    rules.filter(({ bare }) => !bare.includes('tg_shifts__close_channel')),
  addFunction: (rules: readonly Source[], pick: number) => {
    const name = `muster.${nextName(rules)}`
    return add(
      rules,
      chosen(
        [
          `create function ${name}(home geography, reach float8 default 10) returns boolean
           language plpgsql stable security definer set search_path = pg_catalog, extensions, public, pg_temp
           as $body$ begin return st_dwithin(home, home, reach); end $body$`,
          `create function ${name}(home geography, reach float8 default 10) returns boolean
           language sql stable begin atomic select case when reach > 0 then exists (select from public.shifts) end; end`,
        ],
        pick,
      ),
      `comment on function ${name}(geography, float8) is 'It''s "added".'`,
      `grant execute on function ${name}(geography, float8) to ${chosen(HANDS, pick)}`,
      ...(pick % 3 ? [`alter function ${name}(geography, float8) owner to muster_definer`] : []),
      ...(pick % 2 ? [`revoke execute on function ${name}(geography, float8) from public`] : []),
    )
  },
  addTrigger: (rules: readonly Source[], pick: number) => {
    const name = `${nextName(rules)}`
    const table = chosen(TABLES, pick)
    return add(
      rules,
      `create function muster.tg_${name}() returns trigger language plpgsql as $$ begin return null; end $$`,
      `create trigger ${name} after update on ${table} for each row when (old.created_at <> new.created_at) execute function muster.tg_${name}()`,
      `comment on trigger ${name} on ${table} is 'Added.'`,
      ...(pick % 2 ? [`alter table ${table} enable always trigger ${name}`] : []),
    )
  },
  addPolicy: (rules: readonly Source[], pick: number) => {
    const name = `${nextName(rules)}`
    const table = chosen(TABLES, pick)
    return add(
      rules,
      `create policy ${name} on ${table} as ${chosen(['permissive', 'restrictive'], pick)} for all to ${chosen(HANDS, pick)}, service_role
         using (exists (select from public.users u where u.id = muster.user_id()))`,
      ...(pick % 2 ? [`comment on policy ${name} on ${table} is 'Added.'`] : []),
    )
  },
  addGrant: (rules: readonly Source[], pick: number) =>
    add(
      rules,
      chosen(
        [
          `grant insert (id, created_at), references (id), update on public.tenants to ${chosen(HANDS, pick)}`,
          `grant select on public.users to ${chosen(HANDS, pick)}, muster_worker with grant option`,
          `grant all on public.notifications to ${chosen(HANDS, pick)}`,
          `revoke all on public.shifts from ${chosen(HANDS, pick)}`,
          `grant create on schema muster to ${chosen(HANDS, pick)}`,
        ],
        pick,
      ),
    ),
  addReport: (rules: readonly Source[], pick: number) => {
    const name = nextName(rules)
    return add(
      rules,
      `create materialized view muster.${name} as select company_id, count(*) as shifts, ${pick} as picked from public.shifts group by company_id`,
      `comment on materialized view muster.${name} is 'Added.'`,
      `create unique index ${name}_key on muster.${name} (company_id)`,
      `select muster.keep_report('muster.${name}')`,
    )
  },
  addComment: (rules: readonly Source[], pick: number) =>
    add(
      rules,
      `comment on ${chosen([`column ${chosen(TABLES, pick)}.id`, `table ${chosen(TABLES, pick)}`], pick)} is 'Added \\ ${pick}'`,
    ),
  addIndex: (rules: readonly Source[], pick: number) =>
    add(
      rules,
      `create index ${nextName(rules)} on ${chosen(TABLES, pick)} (created_at desc) where created_at > '2020-01-01'`,
    ),
  addConstraint: (rules: readonly Source[], pick: number) =>
    add(
      rules,
      `alter table ${chosen(TABLES, pick)} add constraint ${nextName(rules)} check (updated_at >= created_at)${pick % 2 ? ' not valid' : ''}`,
    ),
} satisfies Record<string, (rules: readonly Source[], pick: number) => Source[]>

export const RULE_EDITS = Object.keys(KINDS) as RuleEdit['kind'][]

export const ruleEdits = fc.array(
  fc.record({ kind: fc.constantFrom(...RULE_EDITS), pick: fc.nat({ max: 1_000 }) }),
  { minLength: 3, maxLength: 12 },
)

export const applyEdits = (rules: readonly Source[], edits: readonly RuleEdit[]): Source[] =>
  edits.reduce<Source[]>((edited, { kind, pick }) => KINDS[kind](edited, pick), [...rules])
