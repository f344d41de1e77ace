// Several models in one world: who joins, who leaves, what is shown of each.
#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace arena_test {

class Arenas : public Flow {
 protected:
  Arenas() {
    engine.dream().environment = "CarRacing";
    engine.runs().clear();
    for (const char* name : {"dreamer", "diffusion", "tokens", "catch"}) {
      RunView run;
      run.path = std::string("runs/") + name, run.name = name, run.model = std::string("Model ") + name;
      run.environment = run.name == "catch" ? "Catch" : "CarRacing", run.usable = true, run.detail = "score 861 ± 40";
      engine.runs().push_back(run);
    }
  }
  /// A run in the list of the free place.
  static std::string entry(const std::string& name) { return "//Arena###arena/**/###runs\\/" + name; }
};

TEST_F(Arenas, RunsOfThisWorldJoinAndLeave) {
  open("arena");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    EXPECT_TRUE(ctx->ItemExists(entry("dreamer").c_str()));
    EXPECT_FALSE(ctx->ItemExists(entry("catch").c_str())) << "another world's";
    ctx->ItemClick(entry("dreamer").c_str());
    ctx->Yield(3);
    ASSERT_NE(engine.last<SeatArena>(), nullptr);
    EXPECT_EQ(engine.last<SeatArena>()->runs, std::vector<std::string>{"runs/dreamer"});
    EXPECT_FALSE(ctx->ItemExists(entry("dreamer").c_str())) << "it is here";
    ctx->ItemClick(entry("tokens").c_str());
    ctx->Yield(3);
    EXPECT_EQ(engine.last<SeatArena>()->runs, (std::vector<std::string>{"runs/dreamer", "runs/tokens"}));
    EXPECT_TRUE(ctx->ItemExists("//Arena###arena/**/arena\\/1\\/dream"));
    ctx->ItemClick("//Arena###arena/**/###arena\\/0\\/leave");
    ctx->Yield(3);
    EXPECT_EQ(engine.last<SeatArena>()->runs, std::vector<std::string>{"runs/tokens"});
  });
}

TEST_F(Arenas, NothingIsOfferedWithoutAModel) {
  engine.dream().has_model = false;
  open("arena");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    EXPECT_FALSE(ctx->ItemExists(entry("dreamer").c_str()));
  });
}

}  // namespace arena_test
}  // namespace dream::ui
