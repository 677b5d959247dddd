-- ARGV window ms, live ms, dead max, dead age ms, held max, parts, then the parts (lib/parts.lua): KEYS lanes, total, dead,
-- held; ARGV where a lane's name begins in its key, span of time of the window, count, then so many settlements, of
-- different lanes. KEYS of a settlement: its lane, its groups. ARGV: taken, fence index, fence id, keep count, texts to keep
-- (last first), dead count, texts, poisoned count, their indexes, held count, ids of the taken that are held, then groups
-- (not bounded: each answers something that was taken). The answer of a part holds for each [left, lanes that were empty
-- and are not], and ends with the sum of the shard's envelopes; it is 'SPAN n' when another span of time has begun: nothing
-- was done.
--
-- The fence: the envelope at that index of the lane must still have that id. What comes meanwhile comes at the end, or
-- back to the head and moves it, so then nothing before it was taken by anybody else since the head was read. Otherwise
-- nothing is done for this settlement and its answer is [-1].

--- @include "lib/parts.lua"
--- @include "lib/index-changes.lua"
--- @include "lib/append-groups.lua"
--- @include "lib/dead-letters.lua"

local windowMs, liveMs, deadMax, deadAgeMs, heldMax = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local span, second = spanNow(windowMs)
local k, at, deadKey, heldKey

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
  if #fields > 0 then redis.call('XADD', heldKey, 'MAXLEN', '~', heldMax, '*', 'lane', lane, unpack(fields)) end
end

local function settle()
  local laneKey, taken, fence, id = KEYS[k], tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2]
  local lane = string.sub(laneKey, nameAt)
  k = k + 1
  at = at + 3
  local keep, dead, poisoned, held = block(), block(), block(), block()
  local groupKeys, groupsAt = k, at
  at = at + 1
  for _ = 1, tonumber(ARGV[groupsAt]) do
    k = k + 3
    at = at + 1 + 3 * tonumber(ARGV[at])
  end
  local whole = #held > 0 and taken > 0 and redis.call('LRANGE', laneKey, 0, taken - 1)
  if fence >= 0 and isOutdated(whole and whole[fence + 1] or redis.call('LINDEX', laneKey, fence), id) then return {-1} end
  for _, index in ipairs(poisoned) do
    local raw = redis.call('LINDEX', laneKey, index)
    if raw then moveToDead(deadKey, lane, raw, deadMax) end
  end
  local before = redis.call('LLEN', laneKey)
  local left = before - math.min(taken, before) + #keep
  if taken >= before then redis.call('DEL', laneKey) else redis.call('LTRIM', laneKey, taken, -1) end
  if #keep > 0 then redis.call('LPUSH', laneKey, unpack(keep)) end
  added = added + left - before
  if (left == 0) ~= (before == 0) then isThere[laneKey] = left > 0 end
  for _, raw in ipairs(dead) do moveToDead(deadKey, lane, raw, deadMax) end
  if #dead > 0 or #poisoned > 0 then dropOldDead(deadKey, deadAgeMs) end
  if whole then holdThese(lane, whole, held) end
  local answer = {left}
  if ARGV[groupsAt] ~= '0' then
    appendGroups(groupKeys, groupsAt, span, second, windowMs, liveMs, math.huge, math.huge, {}, answer)
    answer[1] = redis.call('LLEN', laneKey)
  end
  return answer
end

return eachPart(7, function(firstKey, firstArg)
  if ARGV[firstArg + 1] ~= span then return 'SPAN ' .. span end
  begin(KEYS[firstKey], KEYS[firstKey + 1], tonumber(ARGV[firstArg]))
  deadKey, heldKey, k, at = KEYS[firstKey + 2], KEYS[firstKey + 3], firstKey + 4, firstArg + 3
  local answers = {}
  for i = 1, tonumber(ARGV[firstArg + 2]) do answers[i] = settle() end
  answers[#answers + 1] = finish()
  return answers
end)
