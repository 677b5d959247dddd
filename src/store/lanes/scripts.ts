/**
 * The atomic steps on the lanes, as Lua for EVALSHA. Each is all or nothing for the other clients and for the
 * append-only file (Redis replicates a script's effects as one transaction). Under memory pressure (`noeviction`) a
 * step that only grows is refused before its first write; a settlement shrinks first and is always allowed.
 *
 * An entry of a group is three arguments: field (what the dedupe window knows it by), envelope id, stored text.
 * Fields: `e<envelope id>` when there is no identity, else `h<digest>`, or `m<digest><tag of the sender's
 * id>`; values: the envelope id (empty for the first kind).
 */

/**
 * What each step on lanes begins with: the names, and the changes of the index and of the sum, which are written once, at
 * the end. Lists of values are given to a command in parts (Lua's stack).
 */
const common = `
local lanesKey, totalKey, lanePrefix, seenPrefix = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local isThere, added = {}, 0

local function finish()
  local there, gone = {}, {}
  for lane, is in pairs(isThere) do
    if is then
      there[#there + 1] = 0
      there[#there + 1] = lane
    else
      gone[#gone + 1] = lane
    end
  end
  for i = 1, #there, 2000 do redis.call('ZADD', lanesKey, unpack(there, i, math.min(i + 1999, #there))) end
  for i = 1, #gone, 2000 do redis.call('ZREM', lanesKey, unpack(gone, i, math.min(i + 1999, #gone))) end
  if added ~= 0 then redis.call('INCRBY', totalKey, added) end
end
`;

/** Appends groups of entries (one group per lane). Entries of a lane never pass each other. */
const appendGroups = `
-- the dedupe window: this span of time and the one before it, so an entry is known for one to two windows
local function buckets(windowMs)
  local time = redis.call('TIME')
  local bucket = math.floor((time[1] * 1000 + math.floor(time[2] / 1000)) / windowMs)
  return string.format('%.0f', bucket), string.format('%.0f', bucket - 1), string.format('%.0f', (bucket + 2) * windowMs)
end

local function appendGroups(at, windowMs, laneMax, totalMax, results, wake)
  local now, before, expiry = buckets(windowMs)
  local total = totalMax == math.huge and 0 or tonumber(redis.call('GET', totalKey) or '0')
  local groups = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, groups do
    local lane, count = ARGV[at], tonumber(ARGV[at + 1])
    at = at + 2
    local laneKey = lanePrefix .. lane
    local seenKey = seenPrefix .. now .. ':' .. lane
    local olderKey = seenPrefix .. before .. ':' .. lane
    local fields = {}
    for i = 1, count do fields[i] = ARGV[at + (i - 1) * 3] end
    local isNew = redis.call('EXISTS', seenKey) == 0
    local known = not isNew and redis.call('HMGET', seenKey, unpack(fields))
    local older = redis.call('EXISTS', olderKey) == 1 and redis.call('HMGET', olderKey, unpack(fields))
    local wasLong = redis.call('LLEN', laneKey)
    local length = wasLong
    local here, marks, texts = {}, {}, {}
    for i = 1, count do
      local field, id, text = ARGV[at], ARGV[at + 1], ARGV[at + 2]
      at = at + 3
      local mark = string.byte(field) == 101 and '' or id -- 'e': the id is in the field already
      local seen = here[field] or (known and known[i]) or (older and older[i])
      if seen then
        -- -2: our own entry again (the answer to its first append was lost)
        results[#results + 1] = (seen == mark) and -2 or 0
      elseif length >= laneMax or total + added >= totalMax then
        results[#results + 1] = -1
      else
        length = length + 1
        added = added + 1
        here[field] = mark
        marks[#marks + 1] = field
        marks[#marks + 1] = mark
        texts[#texts + 1] = text
        results[#results + 1] = length
      end
    end
    if #texts > 0 then
      redis.call('HSET', seenKey, unpack(marks))
      if isNew then redis.call('PEXPIREAT', seenKey, expiry) end
      redis.call('RPUSH', laneKey, unpack(texts))
      if wasLong == 0 then
        isThere[lane] = true
        if wake then wake[#wake + 1] = lane end
      end
    end
  end
  return at
end
`;

/** Moves one stored text to the dead letters, and drops those that are too many or too old. */
const bury = `
local deadKey = KEYS[3]
local function bury(lane, raw, deadMax)
  redis.call('XADD', deadKey, 'MAXLEN', '=', deadMax, '*', 'lane', lane, 'raw', raw)
end
local function trimDead(deadAgeMs)
  local time = redis.call('TIME')
  local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - deadAgeMs
  if oldest > 0 then redis.call('XTRIM', deadKey, 'MINID', '=', string.format('%.0f', oldest)) end
end
`;

/**
 * KEYS lanes, total. ARGV lane prefix, seen prefix, window ms, lane max, total max, groups, then per group: lane, count,
 * count x (field, id, text). Returns one number per entry, in the order given: the lane's length after it, 0 = repeat,
 * -1 = full, -2 = the same envelope again, stored before. A group has at most 1000 entries (Lua's stack).
 */
export const appendScript = `${common}${appendGroups}
local results = {}
appendGroups(6, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), results, false)
finish()
return results
`;

/**
 * KEYS lanes, total, dead, held. ARGV lane prefix, seen prefix, window ms, dead max, dead age ms, held max, count, then so
 * many settlements, of different lanes: lane, taken, fence index, fence id, keep count, texts to keep (last first), dead
 * count, texts, poisoned count, their indexes, held count, ids of the taken that are held, then groups as above (not
 * bounded: each answers something that was taken). Returns for each [left, lanes that were empty and are not].
 *
 * The fence: the envelope at that index of the lane must still have that id. What comes meanwhile comes at the end, or
 * back to the head and moves it, so then nothing before it was taken by anybody else since the head was read. Otherwise
 * nothing is done for this settlement and its answer is [-1].
 */
export const settleScript = `${common}${appendGroups}${bury}
local windowMs, deadMax, deadAgeMs, heldMax = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6]
local at = 8
local function block()
  local count = tonumber(ARGV[at])
  local values = {}
  for i = 1, count do values[i] = ARGV[at + i] end
  at = at + 1 + count
  return values
end

local function isOutdated(raw, id)
  local wanted = id .. '\\n'
  return not raw or string.sub(raw, 1, #wanted) ~= wanted
end

local function holdThese(lane, whole, held)
  local isHeld, fields = {}, {}
  for _, id in ipairs(held) do isHeld[id] = true end
  for _, raw in ipairs(whole) do
    if isHeld[string.match(raw, '^[^\\n]*')] then
      fields[#fields + 1] = 'raw'
      fields[#fields + 1] = raw
    end
  end
  if #fields > 0 then redis.call('XADD', KEYS[4], 'MAXLEN', '~', heldMax, '*', 'lane', lane, unpack(fields)) end
end

local function settle()
  local lane, taken, fence, id = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3]
  at = at + 4
  local keep, dead, poisoned, held = block(), block(), block(), block()
  local groupsAt = at
  at = at + 1
  for _ = 1, tonumber(ARGV[groupsAt]) do at = at + 2 + 3 * tonumber(ARGV[at + 1]) end
  local laneKey = lanePrefix .. lane
  local whole = #held > 0 and taken > 0 and redis.call('LRANGE', laneKey, 0, taken - 1)
  if fence >= 0 and isOutdated(whole and whole[fence + 1] or redis.call('LINDEX', laneKey, fence), id) then return {-1} end
  for _, index in ipairs(poisoned) do
    local raw = redis.call('LINDEX', laneKey, index)
    if raw then bury(lane, raw, deadMax) end
  end
  local before = redis.call('LLEN', laneKey)
  local left = before - math.min(taken, before) + #keep
  if taken >= before then redis.call('DEL', laneKey) else redis.call('LTRIM', laneKey, taken, -1) end
  if #keep > 0 then redis.call('LPUSH', laneKey, unpack(keep)) end
  added = added + left - before
  if (left == 0) ~= (before == 0) then isThere[lane] = left > 0 end
  for _, raw in ipairs(dead) do bury(lane, raw, deadMax) end
  if #dead > 0 or #poisoned > 0 then trimDead(deadAgeMs) end
  if whole then holdThese(lane, whole, held) end
  local answer = {left}
  if ARGV[groupsAt] ~= '0' then
    appendGroups(groupsAt, windowMs, math.huge, math.huge, {}, answer)
    answer[1] = redis.call('LLEN', laneKey)
  end
  return answer
end

local answers = {}
for i = 1, tonumber(ARGV[7]) do answers[i] = settle() end
finish()
return answers
`;

/** KEYS lanes, total. ARGV lane prefix, lanes. Empties those lanes; returns how many envelopes that were. */
export const forgetScript = `
local count = 0
for i = 2, #ARGV do
  local laneKey = ARGV[1] .. ARGV[i]
  count = count + redis.call('LLEN', laneKey)
  redis.call('UNLINK', laneKey)
  redis.call('ZREM', KEYS[1], ARGV[i])
end
if count > 0 then redis.call('DECRBY', KEYS[2], count) end
return count
`;

/**
 * KEYS lanes, total, held. ARGV lane prefix, end of the stream's range, most entries. Puts the newest of that range back
 * at the heads of their lanes, past the dedupe window. It shrinks first, so memory pressure does not stop it. Returns how
 * many entries and envelopes there were, and their lanes.
 */
export const restoreScript = `
local page = redis.call('XREVRANGE', KEYS[3], ARGV[2], '-', 'COUNT', ARGV[3])
if #page == 0 then return {0, 0} end
local ids, answer, known = {}, {#page, 0}, {}
for i, item in ipairs(page) do ids[i] = item[1] end
redis.call('XDEL', KEYS[3], unpack(ids))
for _, item in ipairs(page) do
  local fields, texts = item[2], {} -- 'lane', its key, 'raw', oldest text, 'raw', next text, ...
  local lane = fields[2]
  for i = #fields, 4, -2 do texts[#texts + 1] = fields[i] end
  redis.call('LPUSH', ARGV[1] .. lane, unpack(texts))
  answer[2] = answer[2] + #texts
  if not known[lane] then
    known[lane] = true
    redis.call('ZADD', KEYS[1], 0, lane)
    answer[#answer + 1] = lane
  end
end
redis.call('INCRBY', KEYS[2], answer[2])
return answer
`;

/**
 * KEYS lanes, total, dead. ARGV lane prefix, lane, dead id, text, lane max, total max. Puts a dead letter at the end of
 * the lane, past the dedupe window. Returns the lane's length, -1 = full, false = there is no such dead letter any more.
 */
export const reviveScript = `
local laneKey = ARGV[1] .. ARGV[2]
if #redis.call('XRANGE', KEYS[3], ARGV[3], ARGV[3]) == 0 then return false end
local length = redis.call('LLEN', laneKey)
if length >= tonumber(ARGV[5]) or tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[6]) then return -1 end
redis.call('RPUSH', laneKey, ARGV[4])
redis.call('ZADD', KEYS[1], 0, ARGV[2])
redis.call('INCRBY', KEYS[2], 1)
redis.call('XDEL', KEYS[3], ARGV[3])
return length + 1
`;
