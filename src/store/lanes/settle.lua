-- KEYS lanes, total, dead, held. ARGV lane prefix, seen prefix, window ms, live ms, dead max, dead age ms, held max, count, then so
-- many settlements, of different lanes: lane, taken, fence index, fence id, keep count, texts to keep (last first), dead
-- count, texts, poisoned count, their indexes, held count, ids of the taken that are held, then groups as above (not
-- bounded: each answers something that was taken). Returns for each [left, lanes that were empty and are not].
--
-- The fence: the envelope at that index of the lane must still have that id. What comes meanwhile comes at the end, or
-- back to the head and moves it, so then nothing before it was taken by anybody else since the head was read. Otherwise
-- nothing is done for this settlement and its answer is [-1].

--- @include "lib/index-changes.lua"
--- @include "lib/append-groups.lua"
--- @include "lib/dead-letters.lua"

local windowMs, liveMs, deadMax, deadAgeMs, heldMax = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]), ARGV[7]
local at = 9
local function block()
  local count = tonumber(ARGV[at])
  local values = {}
  for i = 1, count do values[i] = ARGV[at + i] end
  at = at + 1 + count
  return values
end

local function isOutdated(raw, id)
  local wanted = id .. '\n'
  return not raw or string.sub(raw, 1, #wanted) ~= wanted
end

local function holdThese(lane, whole, held)
  local isHeld, fields = {}, {}
  for _, id in ipairs(held) do isHeld[id] = true end
  for _, raw in ipairs(whole) do
    if isHeld[string.match(raw, '^[^\n]*')] then
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
    if raw then moveToDead(lane, raw, deadMax) end
  end
  local before = redis.call('LLEN', laneKey)
  local left = before - math.min(taken, before) + #keep
  if taken >= before then redis.call('DEL', laneKey) else redis.call('LTRIM', laneKey, taken, -1) end
  if #keep > 0 then redis.call('LPUSH', laneKey, unpack(keep)) end
  added = added + left - before
  if (left == 0) ~= (before == 0) then isThere[lane] = left > 0 end
  for _, raw in ipairs(dead) do moveToDead(lane, raw, deadMax) end
  if #dead > 0 or #poisoned > 0 then dropOldDead(deadAgeMs) end
  if whole then holdThese(lane, whole, held) end
  local answer = {left}
  if ARGV[groupsAt] ~= '0' then
    appendGroups(groupsAt, windowMs, liveMs, math.huge, math.huge, {}, answer)
    answer[1] = redis.call('LLEN', laneKey)
  end
  return answer
end

local answers = {}
for i = 1, tonumber(ARGV[8]) do answers[i] = settle() end
finish()
return answers
