#pragma once

#include <string>

// The keys that a group has in its store.
namespace torchgraft {

// What a rank tells of itself each second: a count, and how many collectives it has begun.
inline std::string BeatKey(int rank) { return "beat/" + std::to_string(rank); }
inline constexpr char kFirstBeat[] = "0 0";
inline constexpr char kLeft[] = "left";  // in the place of the last count

// There once a rank needs the store no more.
inline std::string LeftKey(int rank) { return "left/" + std::to_string(rank); }

// Why the group has failed, in words: written by the first rank that knows.
inline constexpr char kFailureKey[] = "failure";

}  // namespace torchgraft
