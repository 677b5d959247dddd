-- Appends groups of entries (one group per lane); includes go after lib/index-changes.lua. Entries of a lane never pass
-- each other. KEYS of a group: the lane, the hash of the dedupe window for this span of time, the one for the span before.
-- ARGV of a group: count, count x (field, id, text). An entry is three arguments: field (what the dedupe window knows it
-- by), envelope id, stored text. Fields:
-- `e<envelope id>` when there is no identity, else `h<digest>`, or `m<digest><tag of the sender's id>`; values: the
-- envelope id (empty for the first kind). `l<digest>` and `n<digest><tag>` are identities that last for some minutes only;
-- values: the envelope id, a line feed, the second in which it was stored (hexadecimal).

-- This span of time of the dedupe window, as a text, and the second. An entry is known in this span and the next, so for
-- one to two windows.
local function spanNow(windowMs)
  local time = redis.call('TIME')
  local span = math.floor((time[1] * 1000 + math.floor(time[2] / 1000)) / windowMs)
  return string.format('%.0f', span), tonumber(time[1])
end

-- The id of the envelope that a note stands for; nil: there is none, or it was noted too long ago to say anything of
-- another envelope than its own.
local function noted(mark, isLive, own, since)
  if not mark then return nil end
  if not isLive then return mark end
  local id, at = string.match(mark, '^([^\n]*)\n(%x+)$')
  return (id == own or tonumber(at, 16) > since) and id or nil
end

-- `room`: how many envelopes all lanes of the shard may hold.
local function appendGroups(k, at, span, second, windowMs, liveMs, laneMax, room, results, wake)
  local expiry = string.format('%.0f', (tonumber(span) + 2) * windowMs)
  local stamp, since = string.format('\n%x', second), second - liveMs / 1000
  local total = room == math.huge and 0 or tonumber(redis.call('GET', totalKey) or '0')
  local groups = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, groups do
    local laneKey, seenKey, olderKey, count = KEYS[k], KEYS[k + 1], KEYS[k + 2], tonumber(ARGV[at])
    k = k + 3
    at = at + 1
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
      local kind = string.byte(field)
      local isLive = kind == 108 or kind == 110 -- 'l', 'n'
      local own = kind == 101 and '' or id -- 'e': the id is in the field already
      local seen = here[field] or (known and noted(known[i], isLive, own, since)) or (older and noted(older[i], isLive, own, since))
      if seen then
        -- -2: our own entry again (the answer to its first append was lost)
        results[#results + 1] = (seen == own) and -2 or 0
      elseif length >= laneMax or total + added >= room then
        results[#results + 1] = -1
      else
        length = length + 1
        added = added + 1
        here[field] = own
        marks[#marks + 1] = field
        marks[#marks + 1] = isLive and own .. stamp or own
        texts[#texts + 1] = text
        results[#results + 1] = length
      end
    end
    if #texts > 0 then
      redis.call('HSET', seenKey, unpack(marks))
      if isNew then redis.call('PEXPIREAT', seenKey, expiry) end
      redis.call('RPUSH', laneKey, unpack(texts))
      if wasLong == 0 then
        isThere[laneKey] = true
        if wake then wake[#wake + 1] = string.sub(laneKey, nameAt) end
      end
    end
  end
end
