import { action } from '../../platform/db/function-call.ts'
import type { FunctionCaller } from '../../platform/db/session.ts'
import type { Standing } from './schemas.ts'

const suspend = action('muster.suspend_user', ['wanted', 'for_good'])
const reinstate = action('muster.reinstate_user', ['wanted'])

/** @param forGood whether nobody can reinstate them */
export const suspendUser = (request: FunctionCaller, id: string, forGood: boolean): Promise<Standing> =>
  request.perform(suspend, [id, forGood])

export const reinstateUser = (request: FunctionCaller, id: string): Promise<Standing> =>
  request.perform(reinstate, [id])
