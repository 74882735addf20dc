#pragma once

// Nothing of it is mentioned: see rendezvous/store.h.
